package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

const (
	defaultManageURL = "http://127.0.0.1:8081"
	manageVariable   = "WECHATPAY_MANAGE_URL"   // which wechatpay.env sets
	tokenVariable    = "WECHATPAY_MANAGE_TOKEN" // as well
)

// remote is what the commands have in common that speak to a simulator which runs.
type remote struct {
	program
	manage string
	token  string
	asJSON bool
}

// remote adds the flags of these commands to cmd and its commands.
func (p program) remote(cmd *cobra.Command) *remote {
	r := &remote{program: p}
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.manage, "manage", "", "`address` of the simulator's management API (default $"+manageVariable+", else "+defaultManageURL+")")
	flags.StringVar(&r.token, "manage-token", "", "`token` of the management API, where it wants one (default $"+tokenVariable+")")
	flags.BoolVar(&r.asJSON, "json", false, "print JSON, for machines")
	return r
}

// does runs a command that speaks to the simulator.
func (r *remote) does(play func(ctx context.Context, c *control.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		base, err := r.base()
		if err != nil {
			return err
		}
		token := cmp.Or(r.token, os.Getenv(tokenVariable))
		if err := checkToken(token); err != nil {
			return fmt.Errorf("--manage-token or $%s: %w", tokenVariable, err)
		}
		client := &http.Client{Transport: &http.Transport{}} // the simulator is on this machine: no proxy
		defer client.CloseIdleConnections()
		return explain(base, play(cmd.Context(), control.New(base, client).WithToken(token), args))
	}
}

// base is where the simulator is. An address without a scheme, as wxpay sim --manage takes it, is
// good enough.
func (r *remote) base() (string, error) {
	named := cmp.Or(r.manage, os.Getenv(manageVariable), defaultManageURL)
	base := named
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is not the address of a management API, such as %s: see --manage and $%s", named, defaultManageURL, manageVariable)
	}
	return base, nil
}

// explain tells why the simulator refused, or what to do if there is none.
func explain(base string, err error) error {
	if broken, ok := errors.AsType[*url.Error](err); ok && !errors.Is(err, context.Canceled) {
		cause := broken.Err
		if deepest, ok := errors.AsType[*os.SyscallError](err); ok {
			cause = deepest.Err // without the address once more
		}
		return fmt.Errorf("no simulator answers at %s: %w; start one with 'wxpay sim', or say where it is with --manage or $%s", base, cause, manageVariable)
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, other := errors.AsType[*json.UnmarshalTypeError](err)
	refused, ok := errors.AsType[*control.Error](err)
	if syntax || other || ok && refused.Message == "" {
		return fmt.Errorf("what answers at %s is not the management API of a simulator: say where that is with --manage or $%s", base, manageVariable)
	}
	if ok && refused.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("the simulator at %s wants its token: give it with --manage-token or $%s, which its %s sets", base, tokenVariable, settingsFile)
	}
	if ok {
		return errors.New(refused.Message)
	}
	return err
}

// show prints v as JSON, or for people as they like it.
func (r *remote) show(v any, people func(paper)) error {
	if r.asJSON {
		return printJSON(r.stdout, v)
	}
	people(newPaper(r.stdout))
	return nil
}

// say tells that something was done about which there is nothing to know.
func (r *remote) say(format string, args ...any) error {
	return r.show(struct{}{}, func(p paper) { p.done(format, args...) })
}
