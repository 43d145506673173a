package wechatpay

import (
	"context"
	"errors"
)

// Call is how generated code calls an operation whose answer has a body: args fill the
// parameters of path from left to right, in is the operation's request or query struct, or
// nil. By hand, [Client.Chain] is more convenient.
func Call[Out any](ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (*Out, error) {
	res, err := Send(ctx, c, method, path, args, in, opts)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	if err := res.Decode(out); err != nil {
		return nil, &Error{StatusCode: res.StatusCode, RequestID: res.RequestID, Verified: true, Method: method, Path: path, Err: err}
	}
	return out, nil
}

// Send is [Call] for operations whose answer has no body.
func Send(ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (*Response, error) {
	k := call{method: method, path: path, args: args, in: in}
	res, err := c.do(ctx, &k, opts)
	if e, ok := err.(*Error); ok {
		e.Method, e.Path = method, path
	}
	return res, err
}

// call is one call on its way: what the caller said, then the bytes that it became.
type call struct {
	method, path string
	args         []string  // typed: the path's arguments in order
	named        []pair    // dynamic: the path's arguments by name
	in           any       // typed: the request or query struct
	json         any       // dynamic: the body
	query        []pair    // of both
	header       []pair    // of both
	into         *Response // where the Response goes as well

	target string // path and query as they are sent and signed
	body   []byte // nil if there is none
}

type pair struct{ name, value string }

// do is the way of every request: build the bytes, sign them, send them, verify the bytes
// that come back. A Response that it returns is verified, an error is an *Error.
func (c *Client) do(ctx context.Context, k *call, opts []CallOption) (*Response, error) {
	if c == nil || c.signer == nil {
		return nil, notSent(errors.New("there is no client: make one with wechatpay.New, and look for a misspelt key of Endpoints"))
	}
	if err := alive(ctx); err != nil {
		return nil, notSent(err)
	}
	if err := k.build(opts); err != nil {
		return nil, notSent(err)
	}
	res, err := c.attempts(ctx, k)
	if err != nil {
		return nil, err
	}
	if k.into != nil {
		*k.into = *res
	}
	return res, nil
}

// alive refuses a context that has ended: after sending, the same error would leave the
// outcome open.
func alive(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil")
	}
	return ctx.Err()
}

func notSent(err error) *Error { return &Error{Outcome: NotSent, Err: err} }

// build turns what the caller said into the bytes of the request.
func (k *call) build(opts []CallOption) error {
	for _, opt := range opts {
		if opt == nil {
			return errors.New("a CallOption is nil")
		}
		if err := opt(k); err != nil {
			return err
		}
	}
	path, err := k.expandPath()
	if err != nil {
		return err
	}
	if k.in != nil && k.json != nil {
		return errors.New("this call has its own request struct: JSON is for Chain and Endpoints")
	}
	if k.in != nil {
		if err := k.encode(k.in); err != nil {
			return err
		}
	}
	if k.json != nil {
		if k.body, err = marshal(k.json); err != nil {
			return err
		}
	}
	k.target = path + encodeQuery(k.query)
	return nil
}
