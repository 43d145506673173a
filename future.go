package wechatpay

import (
	"context"
	"errors"
	"fmt"
)

// Future is the result of a call that runs in the background. It is safe for
// concurrent use, and can be waited for any number of times. One that [Async] did not make
// is done, with an error.
type Future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Async runs fn in the background. Its context is the call's: cancelling it ends the
// call. A panic in fn becomes the Future's error.
func Async[T any](ctx context.Context, fn func(context.Context) (T, error)) *Future[T] {
	// The error stands until fn returns, for fn may end its goroutine instead.
	f := &Future[T]{done: make(chan struct{}), err: errors.New("wechatpay: the asynchronous call ended without a result")}
	go func() {
		defer close(f.done)
		f.value, f.err = protect(func() (T, error) {
			if fn == nil {
				return *new(T), errors.New("wechatpay: Async was given no function")
			}
			return fn(ctx)
		})
	}()
	return f
}

// Then runs fn with the value once it is there, unless there is an error. The Future that it
// returns is done after fn, with the same value, and with fn's error if it has one.
func (f *Future[T]) Then(fn func(T) error) *Future[T] {
	return Map(f, func(value T) (T, error) {
		if fn == nil {
			return value, nil
		}
		return value, fn(value)
	})
}

// Wait returns the result once it is there. ctx ends only the waiting.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		return *new(T), errors.New("wechatpay: the context of Wait is nil")
	}
	select {
	case <-f.Done():
		return f.result()
	default:
	}
	select {
	case <-f.Done():
		return f.result()
	case <-ctx.Done():
		return *new(T), fmt.Errorf("wechatpay: stopped waiting for a call that goes on: %w", ctx.Err())
	}
}

// Done is closed when the result is there.
func (f *Future[T]) Done() <-chan struct{} {
	if f == nil || f.done == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	return f.done
}

// result waits for the result.
func (f *Future[T]) result() (T, error) {
	if f == nil || f.done == nil {
		return *new(T), errors.New("wechatpay: there is no call to wait for: make the Future with Async")
	}
	<-f.done
	return f.value, f.err
}

// Map is a Future of what fn makes of f's value. An error of f passes fn by.
func Map[T, U any](f *Future[T], fn func(T) (U, error)) *Future[U] {
	return Async(context.Background(), func(context.Context) (U, error) {
		value, err := f.result()
		if err != nil {
			return *new(U), err
		}
		return fn(value)
	})
}

// All is a Future of the values of all futures, in their order. It is done when the last is;
// its error joins theirs.
func All[T any](futures ...*Future[T]) *Future[[]T] {
	return Async(context.Background(), func(context.Context) ([]T, error) {
		values, errs := make([]T, len(futures)), make([]error, len(futures))
		for i, f := range futures {
			values[i], errs[i] = f.result()
			if _, known := outcomeOf(errs[i]); errs[i] != nil && !known { // that of Then, after a success
				errs[i] = unknown{errs[i]}
			}
		}
		return values, errors.Join(errs...)
	})
}

// protect turns a panic into an error: in a goroutine of ours nobody could recover it.
func protect[T any](fn func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("wechatpay: panic in an asynchronous call: %v", p)
		}
	}()
	return fn()
}

// GetAsync calls the node's Get in the background. Like its siblings it serves nodes whose
// verb takes a struct; for the others there is [Async].
func GetAsync[In, Out any](ctx context.Context, n interface {
	Get(context.Context, In, ...CallOption) (Out, error)
}, in In, opts ...CallOption) *Future[Out] {
	return Async(ctx, func(ctx context.Context) (Out, error) { return n.Get(ctx, in, opts...) })
}

// PostAsync calls the node's Post in the background.
func PostAsync[In, Out any](ctx context.Context, n interface {
	Post(context.Context, In, ...CallOption) (Out, error)
}, in In, opts ...CallOption) *Future[Out] {
	return Async(ctx, func(ctx context.Context) (Out, error) { return n.Post(ctx, in, opts...) })
}

// PutAsync calls the node's Put in the background.
func PutAsync[In, Out any](ctx context.Context, n interface {
	Put(context.Context, In, ...CallOption) (Out, error)
}, in In, opts ...CallOption) *Future[Out] {
	return Async(ctx, func(ctx context.Context) (Out, error) { return n.Put(ctx, in, opts...) })
}

// PatchAsync calls the node's Patch in the background.
func PatchAsync[In, Out any](ctx context.Context, n interface {
	Patch(context.Context, In, ...CallOption) (Out, error)
}, in In, opts ...CallOption) *Future[Out] {
	return Async(ctx, func(ctx context.Context) (Out, error) { return n.Patch(ctx, in, opts...) })
}

// DeleteAsync calls the node's Delete in the background.
func DeleteAsync[In, Out any](ctx context.Context, n interface {
	Delete(context.Context, In, ...CallOption) (Out, error)
}, in In, opts ...CallOption) *Future[Out] {
	return Async(ctx, func(ctx context.Context) (Out, error) { return n.Delete(ctx, in, opts...) })
}
