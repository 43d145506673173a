// Wxpay is the command of the WeChat Pay (微信支付) toolkit.
//
//	wxpay demo    cancels Pay Score orders in six ways, against a simulator of its own
//	wxpay sim     runs the simulator, for any SDK in any language
//	wxpay sim …   speaks to a simulator that runs: user, clock, fault, notify, requests, …
//	wxpay version
//
// It exits with 0 if it did what it was asked, with 1 if not, and with 2 if it was asked
// wrongly.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends it at once
	p := program{stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// program is the command with what it touches.
type program struct {
	stdout, stderr io.Writer
	transport      http.RoundTripper // carries the calls of the demo; nil stands for the usual
}

// run does what args say and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	began := false
	root := &cobra.Command{
		Use:              "wxpay",
		Short:            "The toolkit for WeChat Pay (微信支付)",
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: func(*cobra.Command, []string) { began = true },
	}
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}")
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(p.demoCommand(), p.simCommand(), p.versionCommand())

	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(p.stderr, "wxpay: %v\n", err)
	if began {
		return 1
	}
	fmt.Fprintf(p.stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return 2
}
