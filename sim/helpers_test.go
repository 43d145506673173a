package sim_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/openwechatpay/wechatpay/webhook"
)

// receiver is a merchant's server for notifications, which believes nobody.
type receiver struct {
	URL      string
	webhook  *webhook.Receiver
	mu       sync.Mutex
	refusing int
	received []*webhook.Notification
	errs     []error
	then     func() // is called after each notification that was taken
}

// count is how many notifications were received.
func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.received)
}

func newReceiver(t *testing.T, b *bench) *receiver {
	t.Helper()
	w, err := webhook.New(webhook.Merchant{Verifier: b.client.Verifier(), APIv3Key: b.Merchant().APIv3Key})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{webhook: w}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var n *webhook.Notification
	if err == nil {
		n, err = r.webhook.Parse(req.Context(), req.Header, body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errs = append(r.errs, err)
	}
	if err != nil || r.refusing > 0 {
		r.refusing--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.received = append(r.received, n)
	if r.then != nil {
		r.then()
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse lets the next n notifications fail.
func (r *receiver) refuse(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusing = n
}

// only is the one notification that was received.
func (r *receiver) only(t *testing.T) *webhook.Notification {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) > 0 {
		t.Error(errors.Join(r.errs...))
	}
	if len(r.received) != 1 {
		t.Fatalf("received %d notifications, want 1", len(r.received))
	}
	return r.received[0]
}

// memory is a journal that forgets when the test ends.
type memory struct {
	mu      sync.Mutex
	events  [][]byte
	failing bool
	refused int // events that it did not take
}

func (m *memory) fail(failing bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = failing
}

// refusals is how many events were not taken.
func (m *memory) refusals() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

func (m *memory) Append(event []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		m.refused++
		return errors.New("the disk is full")
	}
	m.events = append(m.events, event)
	return nil
}

func (m *memory) Replay(fn func(event []byte) error) error {
	m.mu.Lock()
	events := slices.Clone(m.events)
	m.mu.Unlock()
	for _, event := range events {
		if err := fn(event); err != nil {
			return err
		}
	}
	return nil
}

func serve(h http.Handler, req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}
