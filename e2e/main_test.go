package e2e

import (
	"fmt"
	"io"
	"log"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// roleEnv in the environment makes the test binary one of the processes that its tests need beside their own.
const roleEnv = "E2E_ROLE"

var roles = map[string]func() error{
	"keep a server": keepServer,
	"hold servers":  holdServers,
	"receive":       receive,
	"take a post":   takePost,
}

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(log.New(io.Discard, "", 0)) // which tells about every connection that a test cuts
	role := os.Getenv(roleEnv)
	if role == "" {
		code := m.Run()
		stopServers()
		os.Exit(code)
	}
	err := fmt.Errorf("there is no role %q", role)
	if play, ok := roles[role]; ok {
		err = play()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
