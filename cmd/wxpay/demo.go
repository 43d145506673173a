package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (p program) demoCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Cancel a Pay Score order in six ways, and get paid for another, against a simulator of its own",
		Long: `Start a simulator on loopback, make Pay Score orders (支付分订单) as a service provider, let the
user confirm them, and cancel one in each of the six ways of calling. Then let an order have its
whole life: confirmed, completed an hour later, and paid, as notifications tell. At last, meet three
failures.

Everything that is printed was read from answers whose signature was verified, unless it says
that there was none. The exit status is 0 only if all of it was as it should be.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each step, a line each")
	return cmd
}

// demo plays the steps. One that does not hold does not keep the others from being played.
func (p program) demo(ctx context.Context, asJSON bool) error {
	s, err := newStage(ctx, p.transport, p.stderr)
	if err != nil {
		return err
	}
	defer s.Close()
	out := newReport(p.stdout, asJSON)
	if err := out.begin(s); err != nil {
		return err
	}
	steps, failed := s.steps(ctx), 0
	for i, step := range steps {
		r := step.perform(ctx)
		r.Step = i + 1
		if r.Failed != "" {
			failed++
		}
		if err := out.step(step, r); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d steps did not hold", failed, len(steps))
	}
	return out.end(len(steps))
}
