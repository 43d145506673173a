package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

// This file is what WeChat Pay does and decides: certificates, applications, and a new beginning.

func (p program) certificateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certificate",
		Short: "Rotate platform certificates (平台证书), as WeChat Pay does before one ends",
		Example: `  wxpay sim certificate list
  wxpay sim certificate add                    merchants can download it, and it does not sign yet
  wxpay sim certificate sign 5157F09EFDC0…     it signs from now on
  wxpay sim certificate remove 5157F09EFDC0…   one that does not sign`,
	}
	r := p.remote(cmd)
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Show the platform certificates", Example: "  wxpay sim certificate list", Args: cobra.NoArgs,
			RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
				all, err := c.PlatformCertificates(ctx)
				if err != nil {
					return err
				}
				return r.show(all, func(p paper) {
					if len(all) == 0 {
						p.line("There is no platform certificate: all merchants have the public key (微信支付公钥).")
						return
					}
					var rows [][]cell
					for _, certificate := range all {
						signs := cell{"", ""}
						if certificate.Signs {
							signs = cell{"signs", green}
						}
						rows = append(rows, []cell{{certificate.SerialNo, ""}, signs})
					}
					p.table([]string{"SERIAL NUMBER", ""}, rows)
				})
			}),
		},
		&cobra.Command{
			Use: "add", Short: "Make a new one, which does not sign yet", Example: "  wxpay sim certificate add", Args: cobra.NoArgs,
			RunE: r.does(func(ctx context.Context, c *control.Client, _ []string) error {
				made, err := c.AddCertificate(ctx)
				if err != nil {
					return err
				}
				return r.show(made, func(p paper) { p.done("certificate %s can be downloaded", made.SerialNo) })
			}),
		},
		r.named("sign SERIAL", "Let one sign from now on", "  wxpay sim certificate sign 5157F09EFDC0…", "certificate %s signs", (*control.Client).SignWith),
		r.named("remove SERIAL", "Take one away that does not sign", "  wxpay sim certificate remove 5157F09EFDC0…", "certificate %s is gone", (*control.Client).RemoveCertificate),
	)
	return cmd
}

// named is a command that does something about what its argument names.
func (r *remote) named(use, short, example, done string, act func(c *control.Client, ctx context.Context, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1),
		RunE: r.does(func(ctx context.Context, c *control.Client, args []string) error {
			if err := act(c, ctx, args[0]); err != nil {
				return err
			}
			return r.say(done, harmless(args[0]))
		}),
	}
}

func (p program) applicationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "application",
		Short: "Decide about a service provider's application to bind a sub-merchant to a service",
		Example: `  wxpay sim application approve apply20241124001
  wxpay sim application reject apply20241124001 --reason 资料不全`,
	}
	r := p.remote(cmd)
	a := control.Application{}
	cmd.PersistentFlags().StringVar(&a.MchID, "mchid", "", "`merchant` (商户号), where more than one has an application of this number")
	reject := r.named("reject NUMBER", "Reject an application", "  wxpay sim application reject apply20241124001 --reason 资料不全", "application %s is rejected",
		func(c *control.Client, ctx context.Context, number string) error {
			a.OutApplyNo = number
			return c.Reject(ctx, a)
		})
	reject.Flags().StringVar(&a.RejectReason, "reason", "", "`reason` that the merchant is told")
	cmd.AddCommand(
		r.named("approve NUMBER", "Approve an application", "  wxpay sim application approve apply20241124001", "application %s is approved",
			func(c *control.Client, ctx context.Context, number string) error {
				a.OutApplyNo = number
				return c.Approve(ctx, a)
			}),
		reject,
	)
	return cmd
}

func (p program) resetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Forget all orders, grants and notifications, and go back to real time",
		Long: `Forget all orders, grants and notifications, and put the clock back to real time. Whom the
simulator knows and its faults are as they were at its start.`,
		Example: "  wxpay sim reset",
		Args:    cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = r.does(func(ctx context.Context, c *control.Client, _ []string) error {
		if err := c.Reset(ctx); err != nil {
			return err
		}
		return r.say("the simulator knows of nothing that happened")
	})
	return cmd
}
