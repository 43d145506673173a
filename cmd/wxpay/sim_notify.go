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
		Short: "Show, repeat, test and make notifications (回调通知)",
		Long: `Show notifications (回调通知) with their deliveries, deliver them again as they are or with
what may be wrong with them, or make one. An ID may be cut short, as long as it is clear.`,
		Example: `  wxpay sim notify list
  wxpay sim notify show 5d1c2a7e
  wxpay sim notify resend 5d1c2a7e
  wxpay sim notify send 5d1c2a7e --as probe
  wxpay sim notify new REFUND.SUCCESS --url http://127.0.0.1:9000/notifications`,
	}
	r := p.remote(cmd)
	cmd.AddCommand(r.listNotificationsCommand(), r.showNotificationCommand(), r.resendCommand(), r.sendCommand(), r.newNotificationCommand())
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
			n, err := named(all, args[0])
			if err != nil {
				return err
			}
			return play(ctx, c, n)
		}),
	}
}

// named is the notification whose ID begins with id.
func named(all []control.Notification, id string) (n control.Notification, err error) {
	var found []control.Notification
	for _, n := range all {
		if strings.HasPrefix(n.ID, id) && id != "" {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return n, fmt.Errorf("there is no notification %q: see wxpay sim notify list", id)
	case 1:
		return found[0], nil
	}
	return n, fmt.Errorf("%d notifications begin with %q: write more of the ID", len(found), id)
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
	cmd := r.onNotification("resend", "Deliver a notification again, now, whatever became of it", func(ctx context.Context, c *control.Client, n control.Notification) error {
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
				return r.attempted(after.Attempts[len(after.Attempts)-1])
			}
		}
		return fmt.Errorf("notification %s was not delivered: its merchant does not answer in time, or a fault holds it back", n.ID)
	})
	cmd.Long = `Deliver a notification again, now, whatever became of it. It is one more of its own deliveries: faults
may strike it, and if the merchant does not take it, those that are left follow. For one beside
them, see wxpay sim notify send.`
	return cmd
}

// believed tells that the merchant took a delivery for good.
func believed(a control.Attempt) bool {
	return a.Error == "" && (a.Status == http.StatusOK || a.Status == http.StatusNoContent)
}

// said is what a merchant answered, or why it did not.
func said(a control.Attempt) string {
	switch {
	case a.Status == 0:
		return "not delivered: " + harmless(a.Error)
	case a.Error != "":
		return fmt.Sprintf("the merchant answered %d, but %s", a.Status, harmless(a.Error))
	}
	return fmt.Sprintf("the merchant answered %d", a.Status)
}

// attempted shows what the merchant said to a delivery that it had to take.
func (r *remote) attempted(a control.Attempt) error {
	if believed(a) {
		return r.show(a, func(p paper) { p.done("%s", said(a)) })
	}
	if r.asJSON {
		_ = printJSON(r.stdout, a)
	}
	return errors.New(said(a))
}
