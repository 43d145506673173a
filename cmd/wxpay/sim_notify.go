package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

func (p program) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Show, repeat and test notifications (回调通知)",
		Long: `Show notifications (回调通知) with their deliveries, deliver one again, or try whether the
merchant refuses one whose signature is wrong. An ID may be cut short, as long as it is clear.`,
		Example: `  wxpay sim notify list
  wxpay sim notify show 5d1c2a7e
  wxpay sim notify resend 5d1c2a7e
  wxpay sim notify probe 5d1c2a7e`,
	}
	r := p.remote(cmd)
	cmd.AddCommand(r.listNotificationsCommand(), r.showNotificationCommand(), r.resendCommand(), r.probeCommand())
	return cmd
}

// short is as much of an ID as lists show.
const short = 8

func (r *remote) listNotificationsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Show all notifications, the oldest first",
		Example: "  wxpay sim notify list",
		Args:    cobra.NoArgs,
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			all, err := c.Notifications(ctx)
			if err != nil {
				return err
			}
			return r.show(all, func(p paper) {
				if len(all) == 0 {
					p.line("There was no notification.")
					return
				}
				var rows [][]cell
				for _, n := range all {
					rows = append(rows, []cell{
						{fmt.Sprintf("%.*s", short, n.ID), bold}, {local(n.CreateTime), ""}, {n.EventType, ""}, fate(n),
						{fmt.Sprint(len(n.Attempts)), ""}, {n.URL, ""},
					})
				}
				p.table([]string{"ID", "CREATED", "EVENT", "STATE", "TRIES", "URL"}, rows)
			})
		}),
	}
}

// fate is what became of a notification.
func fate(n control.Notification) cell {
	switch {
	case n.Delivered:
		return cell{"delivered", green}
	case n.Held:
		return cell{"held back", yellow}
	case n.Next.IsZero():
		return cell{"given up", red}
	default:
		return cell{"next " + local(n.Next), yellow}
	}
}

// onNotification runs a command about the notification that its argument names.
func (r *remote) onNotification(use, short string, play func(ctx context.Context, c *control.Client, n control.Notification) error) *cobra.Command {
	return &cobra.Command{
		Use:     use + " ID",
		Short:   short,
		Example: "  wxpay sim notify " + use + " 5d1c2a7e",
		Args:    cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			all, err := c.Notifications(ctx)
			if err != nil {
				return err
			}
			var found []control.Notification
			for _, n := range all {
				if strings.HasPrefix(n.ID, args[0]) && args[0] != "" {
					found = append(found, n)
				}
			}
			switch len(found) {
			case 0:
				return fmt.Errorf("there is no notification %q: see wxpay sim notify list", args[0])
			case 1:
				return play(ctx, c, found[0])
			default:
				return fmt.Errorf("%d notifications begin with %q: write more of the ID", len(found), args[0])
			}
		}),
	}
}

func (r *remote) showNotificationCommand() *cobra.Command {
	return r.onNotification("show", "Show a notification in plain text, and its deliveries", func(_ context.Context, _ *control.Client, n control.Notification) error {
		return r.show(n, func(p paper) {
			state := fate(n)
			p.line("%s  %s", p.paint(bold, harmless(n.EventType)), p.paint(state.colour, state.text))
			p.pairs("  ", "id", n.ID, "created", local(n.CreateTime), "summary", n.Summary, "merchant", n.MchID, "url", n.URL)
			p.section("what is encrypted in it")
			p.block(indented(n.Resource))
			p.section("deliveries")
			if len(n.Attempts) == 0 {
				p.line("  none yet")
			}
			var rows [][]cell
			for _, a := range n.Attempts {
				rows = append(rows, []cell{{local(a.At), faint}, answerOf(a)})
			}
			p.align("  ", rows)
		})
	})
}

// answerOf is what came of a delivery.
func answerOf(a control.Attempt) cell {
	c := cell{a.Error, red}
	if a.Status != 0 {
		c = cell{fmt.Sprintf("answered %d", a.Status), red}
		if believed(a) {
			c.colour = green
		}
	}
	if a.Fault != "" {
		c.text += fmt.Sprintf(" (fault: %s)", a.Fault)
	}
	return c
}

// indented is JSON over several lines, as it is if it is none.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

func (r *remote) resendCommand() *cobra.Command {
	return r.onNotification("resend", "Deliver a notification again, now, whatever became of it", func(ctx context.Context, c *control.Client, n control.Notification) error {
		if err := c.Resend(ctx, n.ID); err != nil {
			return err
		}
		if _, err := c.Advance(ctx, 0); err != nil { // returns when it was delivered
			return err
		}
		all, err := c.Notifications(ctx)
		if err != nil {
			return err
		}
		for _, after := range all {
			if after.ID == n.ID && len(after.Attempts) > len(n.Attempts) {
				a := after.Attempts[len(after.Attempts)-1]
				return r.attempted(a, believed(a), "")
			}
		}
		return fmt.Errorf("notification %s was not delivered: its merchant does not answer in time, or a fault holds it back", n.ID)
	})
}

func (r *remote) probeCommand() *cobra.Command {
	return r.onNotification("probe", "Send a notification once with a signature that has to fail (探测流量)", func(ctx context.Context, c *control.Client, n control.Notification) error {
		a, err := c.Probe(ctx, n.ID)
		if err != nil {
			return err
		}
		if believed(a) {
			return r.attempted(a, false, ": it believed a signature that is wrong")
		}
		return r.attempted(a, a.Status != 0, ": it refused the signature, as it has to")
	})
}

// believed tells that the merchant took a delivery for good.
func believed(a control.Attempt) bool {
	return a.Status == http.StatusOK || a.Status == http.StatusNoContent
}

// attempted shows what the merchant said to a delivery, and whether that was right.
func (r *remote) attempted(a control.Attempt, right bool, verdict string) error {
	text := fmt.Sprintf("the merchant answered %d%s", a.Status, verdict)
	if a.Status == 0 {
		text = "not delivered: " + harmless(a.Error)
	}
	if right {
		return r.show(a, func(p paper) { p.done("%s", text) })
	}
	if r.asJSON {
		_ = printJSON(r.stdout, a)
	}
	return errors.New(text)
}
