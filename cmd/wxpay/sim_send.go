package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is notifications on demand: those that there are, once more, and new ones.

// refusable are the effects that a merchant has to refuse. All others he has to stand.
var refusable = []world.Effect{
	world.EffectWrongSignature, world.EffectUnsigned, world.EffectUnknownSerial, world.EffectProbe, world.EffectStale, world.EffectFuture,
	world.EffectWrongAPIv3Key,
}

func (r *remote) sendCommand() *cobra.Command {
	var as world.Effect
	onDemand := world.EffectsOnDemand("REFUND.SUCCESS")
	cmd := &cobra.Command{
		Use:   "send ID...",
		Short: "Deliver notifications now, in this order, as they are or with what may be wrong with them",
		Long: `Deliver notifications now, each once, in the order in which they are named. Their own deliveries
stand beside it and go on as they would have, and faults do not strike. With --as, they arrive
as one of these has it:

` + effectsHelp(onDemand) + `
It fails if the merchant believes what he has to refuse, or refuses what he has to take. With --json
it tells what he said.

To see notifications out of order that never came before, hold them back first:
wxpay sim fault add --effect delay --delay 720h --event '*'`,
		Example: `  wxpay sim notify send 5d1c2a7e
  wxpay sim notify send 5d1c2a7e --as probe
  wxpay sim notify send 5d1c2a7e --as duplicate-at-once
  wxpay sim notify send 77b0e1f2 5d1c2a7e    the later one first`,
		Args: cobra.MinimumNArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, ids []string) error {
			named, err := sendable(ctx, c, ids, as)
			if err != nil {
				return err
			}
			var all []control.Delivery
			for _, n := range named {
				deliveries, err := c.Send(ctx, n.ID, as)
				if err != nil {
					return err
				}
				all = append(all, deliveries...)
			}
			return r.delivered(all)
		}),
	}
	cmd.Flags().StringVar((*string)(&as), "as", "", "`effect` that it has, see above (default none)")
	_ = cmd.RegisterFlagCompletionFunc("as", completeEffects(onDemand))
	return cmd
}

// sendable are the notifications with these IDs, if all may be delivered so: otherwise none is.
func sendable(ctx context.Context, c *control.Client, ids []string, as world.Effect) (found []control.Notification, err error) {
	all, err := c.Notifications(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		n, err := named(all, id)
		if err != nil {
			return nil, err
		}
		if err := as.CheckOnDemand(n.EventType); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}

// delivered shows what the merchant said to each delivery, and fails if one was not right.
func (r *remote) delivered(all []control.Delivery) error {
	if r.asJSON {
		if err := printJSON(r.stdout, all); err != nil {
			return err
		}
	}
	var wrong []error
	for _, d := range all {
		text, right := judged(d)
		if !right {
			wrong = append(wrong, errors.New(text))
			continue
		}
		if !r.asJSON {
			newPaper(r.stdout).done("%s", text)
		}
	}
	return errors.Join(wrong...)
}

// judged is what the merchant said to a delivery, and whether that was right.
func judged(d control.Delivery) (text string, right bool) {
	text = fmt.Sprintf("%.*s: %s", short, d.ID, said(d.Attempt))
	switch {
	case !slices.Contains(refusable, d.Fault):
		return text, believed(d.Attempt)
	case believed(d.Attempt):
		return text + fmt.Sprintf(": it believed what it has to refuse (%s)", d.Fault), false
	case d.Status == 0:
		return text, false
	}
	return text + ": it refused it, as it has to", true
}

func (r *remote) newNotificationCommand() *cobra.Command {
	var d control.Draft
	var file string
	cmd := &cobra.Command{
		Use:   "new EVENT --url URL",
		Short: "Send a notification of which the simulator has no rules",
		Long: `Send a notification of any event type of APIv3, signed, encrypted and repeated as all others, and
struck by faults as they are. What it tells has the documented shape, or is what --resource says:
nothing in the simulator knows of it.`,
		Example: `  wxpay sim notify new REFUND.SUCCESS --url http://127.0.0.1:9000/notifications
  wxpay sim notify new TRANSACTION.SUCCESS --url http://127.0.0.1:9000/notifications --resource paid.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			if d.URL == "" {
				return errors.New("want --url, where it goes to")
			}
			return world.CheckEvent(args[0])
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			var err error
			d.EventType = args[0]
			if d.Resource, err = readResource(file); err != nil {
				return err
			}
			n, err := c.Notify(ctx, d)
			if err != nil {
				return err
			}
			return r.show(n, func(p paper) { p.done("%.*s: %s goes to %s", short, n.ID, harmless(n.EventType), harmless(n.URL)) })
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&d.URL, "url", "", "`address` that it goes to")
	flags.StringVar(&d.MchID, "mchid", "", "`merchant` (商户号) that it is for (default the first one)")
	flags.StringVar(&file, "resource", "", "`file` with what is encrypted in it, as JSON (default of the documented shape)")
	return cmd
}

// readResource reads a file of JSON, if one is named.
func readResource(name string) (json.RawMessage, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--resource: %w", err)
	}
	if text = bytes.TrimSpace(text); !json.Valid(text) {
		return nil, fmt.Errorf("--resource: %s is not JSON", name)
	}
	return text, nil
}
