package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

// actOnTrade is what a user does with an order of basic payments.
type actOnTrade func(c *control.Client, ctx context.Context, t control.Trade) (control.TradeState, error)

// tradeCommand does something with the order of basic payments that its argument names.
func (r *remote) tradeCommand(use, short, became string, act actOnTrade) *cobra.Command {
	t := control.Trade{}
	cmd := &cobra.Command{
		Use:     use + " TRADE",
		Short:   short,
		Long:    short + ".\n\nTRADE is the merchant's number (商户订单号).",
		Example: "  wxpay sim user " + use + " 20241124001",
		Args:    cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			t.OutTradeNo = args[0]
			after, err := act(c, ctx, t)
			if err != nil {
				return err
			}
			return r.show(after, func(p paper) {
				p.done("order %s %s", harmless(t.OutTradeNo), became)
				p.pairs("  ", "trade_state", after.State, "openid", after.OpenID, "transaction_id", after.TransactionID)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&t.MchID, "mchid", "", "`merchant` (商户号), where more than one has an order of this number")
	flags.StringVar(&t.OpenID, "openid", "", "`user` who acts; without it, somebody")
	return cmd
}
