package sqlonce_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

// TestOnceDoesNotWaitForADatabaseThatIsSilent is in no bubble: database/sql waits for locks then, over which its
// clock does not jump.
func TestOnceDoesNotWaitForADatabaseThatIsSilent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		silent string // the statement
		fails  error  // the function
		want   string // in the error, none if there is none
		there  bool   // the mark, when the driver gave up
	}{
		"before it begins":                {"BEGIN", nil, "context deadline exceeded, and the database does not answer", false},
		"when the id is inserted":         {"INSERT", nil, "context deadline exceeded, and the database does not answer", false},
		"before the commit":               {"RELEASE", nil, "the database does not answer: nothing is committed", false},
		"at the commit":                   {"COMMIT", nil, "whether it is committed is not known", true},
		"when it is rolled back":          {"ROLLBACK", errFake, errFake.Error(), false},
		"when the connection is restored": {"SET SESSION", nil, "", true},
	}
	for name, tt := range tests {
		for _, dialect := range dialects {
			if tt.silent == "SET SESSION" && dialect == sqlonce.PostgreSQL {
				continue // where there is nothing to restore
			}
			t.Run(name+", "+string(dialect), func(t *testing.T) {
				t.Parallel()
				free := make(chan bool)
				f := &fake{waits: func(_ context.Context, statement string) { // like drivers that mind no context
					if strings.HasPrefix(statement, tt.silent) {
						<-free
					}
				}}
				db := open(t, f)
				db.SetMaxOpenConns(1)
				s := storeOf(t, db, dialect)
				s.Impatient()
				once := func() error {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					returned := make(chan error, 1)
					go func() { returned <- s.Once(ctx, "a", func(context.Context) error { return tt.fails }) }()
					select {
					case err := <-returned:
						return err
					case <-time.After(30 * time.Second):
						close(free)
						t.Fatal("it does not return")
						return nil
					}
				}
				err := once()
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("it gives %v, want …%s…", err, tt.want)
				}
				if tt.fails != nil && err != tt.fails {
					t.Errorf("the function's error comes back as %v", err)
				}
				// The turn is passed on, and the connection keeps its place.
				if err := once(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the next gives %v", err)
				}
				close(free)
				ran := 0
				if err := storeOf(t, db, dialect).Once(t.Context(), "a", func(context.Context) error { ran++; return nil }); err != nil || (ran == 0) != tt.there {
					t.Errorf("afterwards it runs %d times, and gives %v\n%q", ran, err, f.heard())
				}
				checkConnections(t, f)
			})
		}
	}
}

// TestAConnectionThatCannotBeRestoredIsGivenUp: what is committed does not wait for it until the lease is over.
func TestAConnectionThatCannotBeRestoredIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{waits: func(ctx context.Context, statement string) {
			if strings.HasPrefix(statement, "SET SESSION") {
				<-ctx.Done()
			}
		}}
		f.fails = func(_ int, statement string) error {
			if strings.HasPrefix(statement, "SET SESSION") {
				return errFake
			}
			return nil
		}
		db := sql.OpenDB(f)
		defer db.Close()
		s, err := sqlonce.New(db, sqlonce.MariaDB, sqlonce.Lease(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Once(t.Context(), "a", succeed); err != nil || !f.there {
			t.Errorf("it gives %v, and the mark is there: %t", err, f.there)
		}
		if said := f.heard(); !slices.Contains(said, "1 CLOSE") {
			t.Errorf("the connection is still there: %q", said)
		}
	})
}
