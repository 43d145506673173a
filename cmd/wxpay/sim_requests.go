package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

// followEvery is how often new requests are asked for.
const followEvery = 250 * time.Millisecond

func (p program) requestsCommand() *cobra.Command {
	follow, failed := false, false
	cmd := &cobra.Command{
		Use:   "requests",
		Short: "Show what merchants sent, what each check said, and the answers",
		Long: `Show the last 1,000 requests, the oldest first, and for those that were refused by which
check. To see one in whole, with the text that had to be signed: wxpay sim requests show ID.`,
		Example: `  wxpay sim requests
  wxpay sim requests --follow --failed
  wxpay sim requests --json | jq 'select(.status == 401)'
  wxpay sim requests show 12`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with those that come, until Ctrl-C")
	cmd.Flags().BoolVar(&failed, "failed", false, "only those that were refused, or that a fault struck")
	cmd.RunE = r.does(func(ctx context.Context, c *control.Client, _ []string) error {
		return r.list(ctx, c, follow, failed)
	})
	cmd.AddCommand(r.showRequestCommand())
	return cmd
}

// list prints requests, and those that come if it is to follow.
func (r *remote) list(ctx context.Context, c *control.Client, follow, failed bool) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for last := 0; ; {
		exchanges, err := c.Requests(ctx, last)
		if err != nil {
			if follow && ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, x := range exchanges {
			last = x.ID
			if failed && !hasFailed(x) {
				continue
			}
			if err := r.show(x, func(p paper) { p.request(x) }); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// hasFailed tells that a check, a rule or a fault was against the request.
func hasFailed(x control.Exchange) bool {
	return x.Status >= 400 || slices.ContainsFunc(x.Checks, func(c control.Check) bool { return !c.Passed })
}

// request prints a request on a line, and what the checks found on others: why it was refused, or that
// the answer is a guess.
func (p paper) request(x control.Exchange) {
	p.line("%s  %s  %s  %-6s %s", p.paint(faint, fmt.Sprintf("%4d", x.ID)), x.At.Local().Format(time.TimeOnly),
		p.paint(colourOf(x.Status), strconv.Itoa(x.Status)), harmless(x.Method), harmless(x.Target))
	for _, check := range x.Checks {
		switch text := harmless(finding(check)); {
		case !check.Passed:
			p.line("      %s", p.paint(yellow, text))
		case check.Finding != "":
			p.line("      %s", p.paint(faint, text))
		}
	}
}

func colourOf(status int) string {
	switch {
	case status < 300:
		return green
	case status < 500:
		return yellow
	default:
		return red
	}
}

func finding(c control.Check) string {
	text := c.Name + ": " + c.Finding
	if c.Basis != "" {
		text += fmt.Sprintf(" (%s)", c.Basis)
	}
	return text
}

func (r *remote) showRequestCommand() *cobra.Command {
	id := 0
	return &cobra.Command{
		Use:   "show [ID]",
		Short: "Show a request in whole: what each check said, the text to be signed, the answer",
		Long: `Show a request in whole: what each check said, by which mistake the signature came about if
it does not match, what came, the text that had to be signed, and the answer. Without an ID it
is the last one.

Compare the text to be signed with what you signed: ↵ is a line feed, and the last line ends
with one as well.`,
		Example: `  wxpay sim requests show
  wxpay sim requests show 12
  wxpay sim requests show 12 --json | jq -r .signed_text | base64 -d`,
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if err := cobra.MaximumNArgs(1)(cmd, args); err != nil || len(args) == 0 {
				return err
			}
			if id, err = strconv.Atoi(args[0]); err != nil || id < 1 {
				return fmt.Errorf("%q is not the ID of a request: see wxpay sim requests", args[0])
			}
			return nil
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			exchanges, err := c.Requests(ctx, max(0, id-1))
			if err != nil {
				return err
			}
			if len(exchanges) == 0 && id == 0 {
				return errors.New("there was no request yet")
			}
			if id == 0 {
				id = exchanges[len(exchanges)-1].ID
				exchanges = exchanges[len(exchanges)-1:]
			}
			if len(exchanges) == 0 || exchanges[0].ID != id {
				return fmt.Errorf("there is no request %d: the simulator has the last 1,000 since its start", id)
			}
			x := exchanges[0]
			return r.show(x, func(p paper) { p.exchange(x) })
		}),
	}
}

// exchange prints a request in whole.
func (p paper) exchange(x control.Exchange) {
	p.line("%s  %s", p.paint(bold, fmt.Sprintf("request %d", x.ID)), p.paint(colourOf(x.Status), statusLine(x.Status)))
	p.pairs("  ", "at", local(x.At), "took", x.Took.Round(10*time.Microsecond).String(), "operation", x.Operation, "merchant", x.MchID,
		"request-id", x.AnswerHeader.Get("Request-Id"))
	p.section("checks")
	for _, c := range x.Checks {
		mark, text := p.paint(green, "✓"), c.Name
		if c.Finding != "" {
			text = harmless(finding(c))
		}
		if !c.Passed {
			mark, text = p.paint(red, "✗"), p.paint(yellow, text)
		}
		p.line("  %s %s", mark, text)
	}
	if len(x.Diagnosis) > 0 {
		p.section("what was signed instead")
	}
	for _, d := range x.Diagnosis {
		p.line("  %s", p.paint(yellow, harmless(d.Mistake)))
		p.block("  " + d.Explanation)
		if d.Difference != "" {
			p.block("  " + d.Difference)
		}
	}
	p.section("what came")
	p.line("  %s %s", harmless(x.Method), harmless(x.Target))
	p.pairs("  ", "Host:", x.Host)
	p.message(x.Header, x.Body)
	if len(x.SignedText) > 0 {
		p.section("the text to be signed")
		for line := range strings.Lines(string(x.SignedText)) {
			text, ended := strings.CutSuffix(line, "\n")
			if ended {
				p.line("  %s%s", harmless(text), p.paint(faint, "↵"))
			} else {
				p.line("  %s", harmless(text))
			}
		}
	}
	p.section("what was answered")
	p.line("  %s", statusLine(x.Status))
	p.message(x.AnswerHeader, x.Answer)
}

func statusLine(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// section begins a part.
func (p paper) section(name string) { p.line("\n%s", p.paint(faint, name)) }

// message prints headers and a body.
func (p paper) message(header http.Header, body []byte) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			p.line("  %s %s", p.paint(faint, harmless(name)+":"), harmless(shortened(name, value)))
		}
	}
	if len(body) > 0 {
		p.line("")
		p.block(string(body))
	}
}

// block prints lines, whoever wrote them.
func (p paper) block(text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		p.line("  %s", harmless(line))
	}
}

var signatures = regexp.MustCompile(`(signature=")([^"]{8})([^"]+)"`)

// shortened is a header without most of a signature, which tells nobody anything and, with what it
// signs, is as good as the key for five minutes.
func shortened(name, value string) string {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization":
		return signatures.ReplaceAllString(value, `$1$2…"`)
	case "Wechatpay-Signature":
		return fmt.Sprintf("%.8s…", value)
	}
	return value
}
