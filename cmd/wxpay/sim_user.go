package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

func (p program) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Do what users do on their phones: confirm, pay, grant, leave",
		Example: `  wxpay sim user confirm 20241124001
  wxpay sim user confirm 20241124001 --openid oUpF8uMuAJO_M2pxb1Q9zNjWeS6o
  wxpay sim user set oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --refuse 综合评估未通过
  wxpay sim user pay 20241124001`,
	}
	r := p.remote(cmd)
	cmd.AddCommand(
		r.confirmCommand(),
		r.orderCommand("leave", "Leave the page that is open: for confirming, whose package is used then, or the cashier",
			"left the page", (*control.Client).Leave),
		r.orderCommand("cashier", "Go to pay a completed order, which locks it for three minutes at most",
			"is locked: its user is at the cashier", (*control.Client).OpenCashier),
		r.orderCommand("pay", "Pay a completed order (主动支付)", "is paid", (*control.Client).Pay),
		r.orderCommand("deduct", "Begin a deduction of WeChat Pay's that takes three minutes, and locks the order as long",
			"is locked: a deduction is under way", (*control.Client).StartDeduction),
		r.tradeCommand("pay-trade", "Pay an order of basic payments (基础支付)", "is paid", (*control.Client).PayTrade),
		r.tradeCommand("decline-trade", "Do not pay: a payment by code (付款码支付) has failed then", "was declined", (*control.Client).DeclineTrade),
		r.openServiceCommand(), r.closeServiceCommand(), r.setUserCommand(),
		r.planCommand("sign-plan", "Sign a plan (签约支付分计划)", "signed", (*control.Client).SignPlan),
		r.planCommand("cancel-plan", "Cancel a plan that was signed", "cancelled", (*control.Client).CancelPlan),
	)
	return cmd
}

// actOnOrder is what somebody does with an order.
type actOnOrder func(c *control.Client, ctx context.Context, o control.Order) (control.OrderState, error)

// orderCommand does something with the order that its argument names.
func (r *remote) orderCommand(use, short, became string, act actOnOrder) *cobra.Command {
	o := control.Order{}
	cmd := &cobra.Command{
		Use:     use + " ORDER",
		Short:   short,
		Long:    short + ".\n\nORDER is the merchant's number (商户服务订单号).",
		Example: "  wxpay sim user " + use + " 20241124001",
		Args:    cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			o.OutOrderNo = args[0]
			after, err := act(c, ctx, o)
			if err != nil {
				return err
			}
			return r.show(after, func(p paper) {
				p.done("order %s %s", harmless(o.OutOrderNo), became)
				p.pairs("  ", "state", after.State, "openid", after.OpenID, "order_id", after.OrderID, "query_id", after.QueryID)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.MchID, "mchid", "", "`merchant` (商户号), where more than one has an order of this number")
	flags.StringVar(&o.SubMchID, "sub-mchid", "", "`sub-merchant` (子商户号), for the same reason")
	return cmd
}

// confirmCommand has more to say about the user than the other commands.
func (r *remote) confirmCommand() *cobra.Command {
	who := control.Order{}
	cmd := r.orderCommand("confirm", "Confirm an order (确认订单)", "is confirmed",
		func(c *control.Client, ctx context.Context, o control.Order) (control.OrderState, error) {
			o.OpenID, o.Deposit = who.OpenID, who.Deposit
			return c.Confirm(ctx, o)
		})
	cmd.Flags().StringVar(&who.OpenID, "openid", "", "`user` who confirms; without it, somebody who has room for the order")
	cmd.Flags().BoolVar(&who.Deposit, "deposit", false, "the assessment fails, and the user pays a deposit instead (先免模式)")
	return cmd
}

func (r *remote) openServiceCommand() *cobra.Command {
	s := control.Service{}
	cmd := &cobra.Command{
		Use:   "open-service OPENID",
		Short: "Grant a Pay Score service (开通服务), by oneself or because a merchant asked",
		Example: `  wxpay sim user open-service oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --service-id 2002000000000558128851361561537
  wxpay sim user open-service oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --authorization-code 1234323JKHDFE1243252`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			if (s.ServiceID == "") == (s.AuthorizationCode == "") {
				return errors.New("want either --service-id or --authorization-code")
			}
			return nil
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			s.OpenID = args[0]
			if err := c.OpenService(ctx, s); err != nil {
				return err
			}
			return r.say("%s granted %s", harmless(s.OpenID), harmless(s.ServiceID+s.AuthorizationCode))
		}),
	}
	cmd.Flags().StringVar(&s.ServiceID, "service-id", "", "`service` (服务ID) that the user grants by himself")
	cmd.Flags().StringVar(&s.AuthorizationCode, "authorization-code", "", "`code` (授权协议号) of the grant that a merchant asked for")
	return cmd
}

func (r *remote) closeServiceCommand() *cobra.Command {
	s := control.Service{}
	cmd := &cobra.Command{
		Use:     "close-service OPENID --service-id SERVICE",
		Short:   "End the grants of a Pay Score service (关闭服务)",
		Example: `  wxpay sim user close-service oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --service-id 2002000000000558128851361561537`,
		Args: func(cmd *cobra.Command, args []string) error {
			if s.ServiceID == "" {
				return errors.New("want --service-id")
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			s.OpenID = args[0]
			if err := c.CloseService(ctx, s); err != nil {
				return err
			}
			return r.say("%s ended the grants of %s", harmless(s.OpenID), harmless(s.ServiceID))
		}),
	}
	cmd.Flags().StringVar(&s.ServiceID, "service-id", "", "`service` (服务ID)")
	return cmd
}

func (r *remote) setUserCommand() *cobra.Command {
	u := control.User{}
	cmd := &cobra.Command{
		Use:   "set OPENID",
		Short: "Say what is to be with a user from now on",
		Long:  "Say what is to be with a user from now on. What is left out is as it should be.",
		Example: `  wxpay sim user set oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --out-of-money
  wxpay sim user set oUpF8uMuAJO_M2pxb1Q9zNjWeS6o --refuse 综合评估未通过
  wxpay sim user set oUpF8uMuAJO_M2pxb1Q9zNjWeS6o    as other users again`,
		Args: cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			u.OpenID = args[0]
			if err := c.SetUser(ctx, u); err != nil {
				return err
			}
			var is []string
			if u.OutOfMoney {
				is = append(is, "deductions fail")
			}
			if u.Refuse != "" {
				is = append(is, fmt.Sprintf("assessments fail with %q", u.Refuse))
			}
			if is == nil {
				is = []string{"a user like others"}
			}
			return r.say("%s: %s", harmless(u.OpenID), strings.Join(is, ", "))
		}),
	}
	cmd.Flags().BoolVar(&u.OutOfMoney, "out-of-money", false, "deductions fail")
	cmd.Flags().StringVar(&u.Refuse, "refuse", "", "`message` that assessments fail with")
	return cmd
}

// planCommand does something with the plan that its argument names.
func (r *remote) planCommand(use, short, became string, act func(c *control.Client, ctx context.Context, s control.SignPlan) (control.SignPlanState, error)) *cobra.Command {
	s := control.SignPlan{}
	cmd := &cobra.Command{
		Use:     use + " PLAN",
		Short:   short,
		Long:    short + ".\n\nPLAN is the merchant's number (商户签约计划号).",
		Example: "  wxpay sim user " + use + " plan20241124001",
		Args:    cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			s.MerchantSignPlanNo = args[0]
			after, err := act(c, ctx, s)
			if err != nil {
				return err
			}
			return r.show(after, func(p paper) {
				p.done("plan %s is %s", harmless(s.MerchantSignPlanNo), became)
				p.pairs("  ", "sign_state", after.State, "openid", after.OpenID, "sign_plan_id", after.SignPlanID)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&s.MchID, "mchid", "", "`merchant` (商户号), where more than one has a plan of this number")
	flags.StringVar(&s.SubMchID, "sub-mchid", "", "`sub-merchant` (子商户号), for the same reason")
	if use == "cancel-plan" {
		flags.StringVar(&s.CancelReason, "reason", "", "`reason` that the merchant is told")
	}
	return cmd
}
