package webhook

import (
	"context"
	"errors"
	"sync"

	"github.com/openwechatpay/wechatpay/internal/turns"
)

// A Store remembers which notifications were handled. [Memory] is one; modules webhook/boltonce and
// webhook/sqlonce have others.
type Store interface {
	// Once runs fn unless it succeeded for this id before; then it returns nil at once. A [Mux] makes id of
	// the merchant's number, if [Merchant] has one, a slash and the notification's ID: 1 to 255 bytes. It is marked
	// only after fn has succeeded: an error, a panic or a crash leaves it to the next delivery. While fn
	// runs for an id, another call for it waits until ctx ends, and runs fn itself if the first failed.
	Once(ctx context.Context, id string, fn func(context.Context) error) error
}

// DefaultMemory is how many notifications a [Memory] remembers unless told otherwise: about 10 MB.
const DefaultMemory = 1 << 16

// Memory is a [Store] in memory, for one process. It forgets when the process ends, and the oldest when it is
// full; what comes again after that is handled again. WeChat Pay goes on for a day with what nobody
// took, but seldom repeats after some seconds what was taken.
type Memory struct {
	limit int
	turns turns.Turns

	mu     sync.Mutex
	done   map[string]bool
	order  []string // of done, a ring when it is full
	oldest int
}

var _ Store = (*Memory)(nil)

// NewMemory returns a Memory of so many notifications, [DefaultMemory] if limit is not positive.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return &Memory{limit: limit, done: map[string]bool{}}
}

// Once runs fn as [Store] says.
func (m *Memory) Once(ctx context.Context, id string, fn func(context.Context) error) error {
	switch {
	case m == nil || m.done == nil:
		return errors.New("there is no memory: make one with webhook.NewMemory")
	case ctx == nil || id == "" || fn == nil:
		return errors.New("the memory needs a context, an id and a function")
	}
	turn, err := m.turns.Take(ctx, id)
	if err != nil {
		return err
	}
	defer turn.Pass()
	if m.knows(id) {
		return nil
	}
	if err := fn(ctx); err != nil {
		return err
	}
	m.note(id)
	return nil
}

func (m *Memory) knows(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[id]
}

func (m *Memory) note(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done[id] = true
	if len(m.order) < m.limit {
		m.order = append(m.order, id)
		return
	}
	delete(m.done, m.order[m.oldest])
	m.order[m.oldest] = id
	m.oldest = (m.oldest + 1) % m.limit
}
