package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func (p program) faultCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Let calls and notifications go wrong",
		Example: `  wxpay sim fault add --effect status --status 500 --code SYSTEM_ERROR --times 1
  wxpay sim fault add --effect drop --event PAYSCORE.USER_PAID
  wxpay sim fault list
  wxpay sim fault clear`,
	}
	r := p.remote(cmd)
	cmd.AddCommand(r.addFaultCommand(), r.listFaultsCommand(), r.removeFaultCommand(), r.clearFaultsCommand())
	return cmd
}

// effects are what a fault can do, for people.
var effects = []struct {
	effect world.Effect
	does   string
}{
	{world.EffectStatus, "calls are answered with --status, such as 500, 429 or 202"},
	{world.EffectReset, "calls are cut off without an answer"},
	{world.EffectHTML, "calls are answered by a proxy's page"},
	{world.EffectTruncate, "answers end in their middle"},
	{world.EffectShorten, "the same, and their length says so"},
	{world.EffectFlipBit, "one bit of an answer is another"},
	{world.EffectDelay, "answers or notifications come late, by --delay"},
	{world.EffectWrongSignature, "answers or notifications are signed over something else"},
	{world.EffectUnsigned, "they are not signed"},
	{world.EffectUnknownSerial, "they name a key that nobody has"},
	{world.EffectProbe, "they have the signature WECHATPAY/SIGNTEST/, which has to fail"},
	{world.EffectStale, "they were signed six minutes ago"},
	{world.EffectFuture, "they are signed six minutes ahead"},
	{world.EffectDrop, "a notification is lost on its way"},
	{world.EffectDuplicate, "a notification arrives twice, one time after the other"},
	{world.EffectDuplicateAtOnce, "a notification arrives twice at the same time"},
	{world.EffectReorder, "a notification comes after the one that follows it"},
	{world.EffectEmptyAssociatedData, "a notification has an empty associated_data"},
	{world.EffectNoAssociatedData, "a notification has no associated_data"},
	{world.EffectWrongAPIv3Key, "a notification is encrypted with a key that the merchant has not"},
	{world.EffectV2Refund, "a refund is told in the XML of APIv2, though it was made by APIv3"},
}

// effectsHelp tells what these effects do.
func effectsHelp(which []world.Effect) string {
	var b strings.Builder
	for _, e := range effects {
		if slices.Contains(which, e.effect) {
			fmt.Fprintf(&b, "  %-21s  %s\n", e.effect, e.does)
		}
	}
	return b.String()
}

// completeEffects offers these effects to a shell.
func completeEffects(which []world.Effect) cobra.CompletionFunc {
	var names []cobra.Completion
	for _, e := range effects {
		if slices.Contains(which, e.effect) {
			names = append(names, cobra.CompletionWithDesc(string(e.effect), e.does))
		}
	}
	return cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)
}

// allEffects are those on calls and on notifications.
func allEffects() []world.Effect {
	return slices.Concat(world.EffectsOn(""), world.EffectsOn("REFUND.SUCCESS"))
}

func (r *remote) addFaultCommand() *cobra.Command {
	f := world.Fault{}
	cmd := &cobra.Command{
		Use:   "add --effect EFFECT",
		Short: "Let something go wrong from now on",
		Long: `Let calls or, with --event, notifications go wrong from now on. What is left out fits every
call, every time. A call that is refused anyway uses no fault up. The effects:

` + effectsHelp(allEffects()) + `
For one call alone, send the fault as JSON in its header Wxpay-Sim-Fault.`,
		Example: `  wxpay sim fault add --effect status --status 500 --code SYSTEM_ERROR --times 1 \
      --path /v3/payscore/partner/serviceorder/{out_order_no}/cancel
  wxpay sim fault add --effect reset --after --order 20241124001    done, and nobody hears of it
  wxpay sim fault add --effect status --status 429 --code FREQUENCY_LIMITED --retry-after 3 --probability 0.1
  wxpay sim fault add --effect drop --event PAYSCORE.USER_PAID --times 2
  wxpay sim fault add --effect duplicate-at-once --event '*'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return err
			}
			if f.Effect == "" {
				return errors.New("want --effect")
			}
			return f.Check()
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			id, err := c.AddFault(ctx, f)
			if err != nil {
				return err
			}
			return r.show(id, func(p paper) {
				p.done("fault %d: %s: %s, %s", id.ID, faultFits(f), faultDoes(f), faultLeft(f.Times, f))
			})
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar((*string)(&f.Effect), "effect", "", "`what` happens, see above")
	flags.StringVar(&f.Method, "method", "", "calls with this `method`")
	flags.StringVar(&f.Path, "path", "", "calls of this `path`, with {parameters} as the documents write them")
	flags.StringVar(&f.MchID, "mchid", "", "calls of, or notifications to, this `merchant` (商户号)")
	flags.StringVar(&f.Host, "host", "", "calls to this `host`, as the request names it")
	flags.StringVar(&f.Order, "order", "", "calls about the order with this `number` of the merchant's")
	flags.StringVar(&f.Event, "event", "", "notifications of this `type`, such as PAYSCORE.USER_PAID; * for all")
	flags.IntVar(&f.Times, "times", 0, "how `often` it strikes (default every time)")
	flags.Float64Var(&f.Probability, "probability", 0, "`chance` of striking where it fits, 0 to 1 (default always)")
	flags.BoolVar(&f.After, "after", false, "the work is done before status, reset or html strikes")
	flags.IntVar(&f.Status, "status", 0, "HTTP `status` of status or html")
	flags.StringVar(&f.Code, "code", "", "error `code` of status, such as SYSTEM_ERROR; without it, the answer has no body")
	flags.StringVar(&f.Message, "message", "", "`message` to the code")
	flags.IntVar(&f.RetryAfter, "retry-after", 0, "`seconds` in the header Retry-After of status")
	flags.DurationVar((*time.Duration)(&f.Delay), "delay", 0, "`duration` of delay, such as 2s")
	_ = cmd.RegisterFlagCompletionFunc("effect", completeEffects(allEffects()))
	return cmd
}

func (r *remote) listFaultsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Show the faults that may still strike",
		Example: "  wxpay sim fault list",
		Args:    cobra.NoArgs,
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			all, err := c.Faults(ctx)
			if err != nil {
				return err
			}
			return r.show(all, func(p paper) {
				if len(all) == 0 {
					p.line("No fault may strike.")
					return
				}
				var rows [][]cell
				for _, f := range all {
					rows = append(rows, []cell{{strconv.Itoa(f.ID), bold}, {faultFits(f.Fault), ""}, {faultDoes(f.Fault), yellow}, {faultLeft(f.Left, f.Fault), ""}})
				}
				p.table([]string{"ID", "STRIKES", "WITH", "LEFT"}, rows)
			})
		}),
	}
}

func (r *remote) removeFaultCommand() *cobra.Command {
	var id control.FaultID
	return &cobra.Command{
		Use:     "remove ID",
		Short:   "Take a fault out",
		Example: "  wxpay sim fault remove 3",
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			if id.ID, err = strconv.Atoi(args[0]); err != nil {
				return fmt.Errorf("%q is not the number of a fault: see wxpay sim fault list", args[0])
			}
			return nil
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			if err := c.RemoveFault(ctx, id); err != nil {
				return err
			}
			return r.say("fault %d is out", id.ID)
		}),
	}
}

func (r *remote) clearFaultsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "clear",
		Short:   "Take all faults out",
		Example: "  wxpay sim fault clear",
		Args:    cobra.NoArgs,
		RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
			if err := c.ClearFaults(ctx); err != nil {
				return err
			}
			return r.say("all faults are out")
		}),
	}
}

// faultFits tells what a fault strikes.
func faultFits(f world.Fault) string {
	parts := []string{"every call"}
	switch {
	case f.Event == "*":
		parts[0] = "every notification"
	case f.Event != "":
		parts[0] = "notifications " + f.Event
	case f.Method != "" || f.Path != "":
		parts[0] = strings.TrimSpace(f.Method + " " + f.Path)
	}
	if f.MchID != "" {
		parts = append(parts, "of "+f.MchID)
	}
	if f.Host != "" {
		parts = append(parts, "to "+f.Host)
	}
	if f.Order != "" {
		parts = append(parts, "about "+f.Order)
	}
	return harmless(strings.Join(parts, " "))
}

// faultDoes tells what a fault does.
func faultDoes(f world.Fault) string {
	does := string(f.Effect)
	switch f.Effect {
	case world.EffectStatus:
		does = strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, f.Code))
		if f.RetryAfter > 0 {
			does += fmt.Sprintf(", Retry-After %d", f.RetryAfter)
		}
	case world.EffectDelay:
		does += " " + time.Duration(f.Delay).String()
	}
	if f.After {
		does += ", after the work"
	}
	return harmless(does)
}

// faultLeft tells how often a fault may still strike.
func faultLeft(left int, f world.Fault) string {
	text := fmt.Sprintf("%d times", left)
	switch {
	case left <= 0:
		text = "every time"
	case left == 1:
		text = "once"
	}
	if f.Probability > 0 {
		text += fmt.Sprintf(", with a chance of %v", f.Probability)
	}
	return text
}
