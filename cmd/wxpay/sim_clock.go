package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

func (p program) clockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show the simulator's two clocks, or move that of orders ahead",
		Long: `Show the simulator's two clocks.

Signatures live in real time. Orders, their expiry, deductions and the deliveries of
notifications live on the business clock, which can be moved ahead.`,
		Example: `  wxpay sim clock
  wxpay sim clock advance 1h30m
  wxpay sim clock advance 30d`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = r.does(func(ctx context.Context, c *control.Client, _ []string) error {
		now, err := c.Clock(ctx)
		if err != nil {
			return err
		}
		return r.show(now, func(p paper) { p.clock(now) })
	})
	cmd.AddCommand(r.advanceCommand())
	return cmd
}

func (r *remote) advanceCommand() *cobra.Command {
	var by time.Duration
	return &cobra.Command{
		Use:   "advance DURATION",
		Short: "Move the business clock ahead, and let happen what falls due on the way",
		Long: `Move the business clock ahead. It returns when everything that fell due on the way has
happened, in its order: orders expired, money was deducted, notifications were delivered.

DURATION is such as 90s, 1h30m, 720h, 30d or 1d12h. With 0 it waits for what is due now.`,
		Example: `  wxpay sim clock advance 1m     the first deduction of an order that was just completed
  wxpay sim clock advance 30d    orders that nobody confirmed expire`,
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			by, err = parseDuration(args[0])
			return err
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			now, err := c.Advance(ctx, by)
			if err != nil {
				return err
			}
			return r.show(now, func(p paper) { p.clock(now) })
		}),
	}
}

// parseDuration reads what [time.ParseDuration] does, and days before it.
func parseDuration(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	} else if rest == "" {
		rest = "0"
	}
	n, err := strconv.Atoi(days)
	d, err2 := time.ParseDuration(rest)
	const most = 36500
	if err != nil || err2 != nil || n < 0 || n > most || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 1h30m, 720h or 30d", text)
	}
	return time.Duration(n)*24*time.Hour + d, nil
}

func (p paper) clock(now control.Clock) {
	ahead := now.Business.Sub(now.Wire).Round(time.Second) // the two are not read at one moment
	p.pairs("", "signatures", local(now.Wire)+"  real time", "orders", local(now.Business)+"  "+inDays(ahead))
}

// inDays tells how far ahead a clock is, to the second.
func inDays(ahead time.Duration) string {
	text := ""
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := ahead / unit.size; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
			ahead %= unit.size
		}
	}
	if text == "" {
		return "the same"
	}
	return text + " ahead"
}
