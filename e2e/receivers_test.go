package e2e

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

// job is what a receiver in a process of its own does: it ships for some notifications.
type job struct {
	Kind    string
	Dialect sqlonce.Dialect
	DSN     string
	IDs     []string
	Lease   time.Duration
	Pauses  bool // in the function, until it is told to go on
	Hides   bool // the function's error
}

// jobEnv holds a job as JSON.
const jobEnv = "E2E_JOB"

// receive is the receiver. It tells when it pauses, and in the end what each of its notifications gave.
func receive() error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobEnv)), &j); err != nil {
		return err
	}
	db, err := sql.Open(kinds[j.Kind].driver, j.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(10)
	store, err := sqlonce.New(db, j.Dialect, sqlonce.Lease(j.Lease))
	if err != nil {
		return err
	}
	told := bufio.NewScanner(os.Stdin)
	on := &system{dialect: j.Dialect}
	gave := make([]error, len(j.IDs))
	var all sync.WaitGroup
	for i, id := range j.IDs {
		all.Go(func() {
			gave[i] = store.Once(context.Background(), id, func(ctx context.Context) error {
				if j.Pauses {
					fmt.Println("pauses")
					told.Scan()
				}
				err := on.ship(id)(ctx)
				if j.Hides {
					return nil
				}
				return err
			})
		})
	}
	all.Wait()
	for _, err := range gave {
		fmt.Printf("gave %v\n", err)
	}
	return nil
}

// receiver is a receiver in a process of its own.
type receiver struct {
	*exec.Cmd
	t     *testing.T
	in    io.Writer
	lines *bufio.Scanner
}

// startReceiver starts a receiver for the database of s.
func (s *shop) startReceiver(j job) *receiver {
	s.t.Helper()
	j.Kind, j.Dialect, j.DSN = s.kind, s.dialect, s.dsn
	text, err := json.Marshal(j)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &receiver{Cmd: exec.Command(os.Args[0]), t: s.t}
	r.Env = append(os.Environ(), roleEnv+"=receive", jobEnv+"="+string(text))
	var stderr bytes.Buffer
	r.Stderr = &stderr
	in, err := r.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := r.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		s.t.Fatal(err)
	}
	r.in, r.lines = in, bufio.NewScanner(out)
	s.t.Cleanup(func() {
		_ = r.Process.Kill()
		_ = r.Wait()
		if stderr.Len() > 0 {
			s.t.Errorf("a receiver says %s", &stderr)
		}
	})
	return r
}

// says waits for a line.
func (r *receiver) says() string {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatalf("the receiver ended: %v", r.lines.Err())
	}
	return r.lines.Text()
}

func (r *receiver) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

func TestDuplicatesInTwoProcessesRunOnce(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprint("id", i))
		}
		receivers := []*receiver{s.startReceiver(job{IDs: ids, Lease: sqlonce.DefaultLease}), s.startReceiver(job{IDs: ids, Lease: sqlonce.DefaultLease})}
		for _, r := range receivers {
			for range ids {
				if got := r.says(); got != "gave <nil>" {
					s.t.Error(got)
				}
			}
		}
		for _, id := range ids {
			s.check(id, 1, 1)
		}
	})
}

func TestAProcessThatIsKilledFreesItsNotification(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		r := s.startReceiver(job{IDs: []string{"a"}, Lease: time.Hour, Pauses: true})
		if got := r.says(); got != "pauses" {
			s.t.Fatal(got)
		}
		r.signal(syscall.SIGKILL)
		if err := s.store.Once(s.ctx, "a", s.ship("a")); err != nil {
			s.t.Error(err)
		}
		s.check("a", 1, 1)
	})
}

// TestAProcessThatSleepsLosesItsNotification: the database gives it to another, and what the first does
// after it woke up is not committed, whether it says that it failed or not.
func TestAProcessThatSleepsLosesItsNotification(t *testing.T) {
	t.Parallel()
	for _, hides := range []bool{false, true} {
		t.Run(fmt.Sprint("it hides errors: ", hides), func(t *testing.T) {
			t.Parallel()
			onEach(t, systems(), func(s *shop) {
				r := s.startReceiver(job{IDs: []string{"a"}, Lease: time.Second, Pauses: true, Hides: hides})
				if got := r.says(); got != "pauses" {
					s.t.Fatal(got)
				}
				r.signal(syscall.SIGSTOP)
				ran := errors.New("it did not run")
				err := s.store.Once(s.ctx, "a", func(ctx context.Context) error { ran = s.ship("a")(ctx); return ran })
				if err := errors.Join(err, ran); err != nil {
					s.t.Error(err)
				}
				if _, err := r.in.Write([]byte("go on\n")); err != nil {
					s.t.Fatal(err)
				}
				r.signal(syscall.SIGCONT)
				if got := r.says(); !strings.HasPrefix(got, "gave ") || got == "gave <nil>" {
					s.t.Errorf("the process that slept: %s", got)
				}
				s.check("a", 1, 1)
			})
		})
	}
}
