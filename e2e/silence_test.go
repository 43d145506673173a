package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

// wire stands between a pool and its server until it swallows what they say: from a statement of the pool on, or
// from the answer to it on. Neither learns of that before it is cut; from then on it swallows nothing.
type wire struct {
	statement string
	answered  bool // by the server, which hears the statement

	dir    string // with its socket
	server string // the other socket
	cut    context.Context
}

// sockets are what the sockets are called in their directories.
var sockets = map[string]string{"postgresql": ".s.PGSQL.5432", "mariadb": "socket"}

// lay lays a wire to the server of s, and returns a shop at the other end, and what cuts the wire.
func (s *shop) lay(w *wire) (far *shop, cut context.CancelFunc) {
	s.t.Helper()
	running, err := servers[s.kind]()
	if err != nil {
		s.t.Fatal(err)
	}
	w.server = filepath.Join(running.dir, sockets[s.kind])
	w.cut, cut = context.WithCancel(s.ctx)
	if w.dir, err = os.MkdirTemp("", "wire"); err != nil { // not t.TempDir, which is too long for a socket
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = os.RemoveAll(w.dir) })
	l, err := net.Listen("unix", filepath.Join(w.dir, sockets[s.kind]))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			pool, err := l.Accept()
			if err != nil {
				return
			}
			go w.connect(pool)
		}
	}()
	there := *s
	there.dsn = strings.Replace(s.dsn, running.dir, w.dir, 1)
	return there.another(sqlonce.Lease(time.Second)), cut
}

// connect passes on what is said until it swallows it, and then until the wire is cut keeps both ends.
func (w *wire) connect(pool net.Conn) {
	defer pool.Close()
	server, err := net.Dial("unix", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	silent, ended := make(chan struct{}), make(chan struct{}, 2)
	go func() {
		defer func() { ended <- struct{}{} }()
		w.hear(pool, server, silent)
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		answer(server, pool, silent)
	}()
	<-ended
	select {
	case <-silent:
		<-w.cut.Done()
	default:
	}
}

func (w *wire) hear(pool io.Reader, server io.Writer, silent chan struct{}) {
	said := make([]byte, 64<<10)
	for {
		n, err := pool.Read(said)
		if err != nil {
			return
		}
		if bytes.Contains(said[:n], []byte(w.statement)) && w.cut.Err() == nil {
			close(silent)
			if w.answered {
				_, _ = server.Write(said[:n])
			}
			return
		}
		if _, err := server.Write(said[:n]); err != nil {
			return
		}
	}
}

func answer(server io.Reader, pool io.Writer, silent chan struct{}) {
	said := make([]byte, 64<<10)
	for {
		n, err := server.Read(said)
		if err != nil {
			return
		}
		select {
		case <-silent:
			return
		default:
		}
		if _, err := pool.Write(said[:n]); err != nil {
			return
		}
	}
}

// TestASilentNetworkKeepsNobodyWaiting: neither the call nor the next delivery, and whatever came of it, the
// notification is handled once.
func TestASilentNetworkKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		statement string
		answered  bool
		fails     error
		want      string // in the error
	}{
		"the insertion is lost":    {"INSERT INTO \"wechat", false, nil, context.DeadlineExceeded.Error()},
		"the release is lost":      {"RELEASE", false, nil, "the database does not answer: nothing is committed"},
		"COMMIT is lost":           {"COMMIT", false, nil, "whether it is committed is not known"},
		"the commit's answer is":   {"COMMIT", true, nil, "whether it is committed is not known"},
		"ROLLBACK is lost":         {"ROLLBACK", false, errShop, errShop.Error()},
		"the rollback's answer is": {"ROLLBACK", true, errShop, errShop.Error()},
	}
	for _, on := range []system{postgreSQL, mariaDB} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup // at once, for each waits until Once gives up
			for name, tt := range tests {
				s := openShop(t, &on, sqlonce.Lease(time.Second))
				w := &wire{statement: tt.statement, answered: tt.answered}
				if on.kind == "mariadb" {
					w.statement = strings.Replace(w.statement, "INTO \"", "IGNORE INTO `", 1)
				}
				far, cut := s.lay(w)
				far.db.SetMaxOpenConns(1)
				all.Go(func() { silence(s, far, cut, name, tt.fails, tt.want) })
			}
			all.Wait()
		})
	}
}

func silence(near, far *shop, cut func(), name string, fails error, want string) {
	t := near.t
	ctx, cancel := context.WithTimeout(near.ctx, time.Second)
	defer cancel()
	returned := make(chan error, 1)
	go func() {
		returned <- far.store.Once(ctx, "a", func(ctx context.Context) error { return errors.Join(far.ship("a")(ctx), fails) })
	}()
	select {
	case err := <-returned:
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: it gives %v, want …%s…", name, err, want)
		}
	case <-time.After(time.Minute):
		t.Errorf("%s: it does not return", name)
	}
	if err := near.store.Once(near.ctx, "a", near.ship("a")); err != nil {
		t.Errorf("%s: the next delivery, elsewhere: %v", name, err)
	}
	cut()
	if err := far.store.Once(near.ctx, "b", far.ship("b")); err != nil { // which needs the only place in the pool
		t.Errorf("%s: another, when the wire is cut: %v", name, err)
	}
	for _, id := range []string{"a", "b"} {
		var shipped, marked int
		for table, count := range map[string]*int{"shipped": &shipped, "wechatpay_notifications": &marked} {
			if err := near.db.QueryRowContext(near.ctx, near.in("SELECT count(*) FROM "+table+" WHERE id = ?"), []byte(id)).Scan(count); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if shipped != 1 || marked != 1 {
			t.Errorf("%s: %s was shipped %d times, and has %d marks", name, id, shipped, marked)
		}
	}
}
