package main

import (
	"errors"

	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// walked keeps the compiler from leaving out what nobody uses.
var walked payscore.PartnerServiceorderOutOrderNoCancel

func chain(how effort, b *bench) ([]table, error) {
	client, err := b.client(b.merchant)
	if err != nil {
		return nil, err
	}
	walk := func() error {
		walked = payscore.New(client).Partner().Serviceorder().OutOrderNo(outOrderNo).Cancel()
		if walked == (payscore.PartnerServiceorderOutOrderNoCancel{}) {
			return errors.New("the walk led nowhere")
		}
		return nil
	}
	all, err := compete(how, 1, each(walk))
	if err != nil {
		return nil, err
	}
	allocations, _, err := allocs(walk)
	if err != nil {
		return nil, err
	}
	return []table{{
		title: "A chain",
		says:  "The steps from payscore.New(client) to the verb of a cancel, which is not called.",
		head:  []string{"ns", "allocations"},
		rows:  []row{{"a walk of five steps", []cell{figure(spreadOf(all[0]).median, 1), figure(allocations, 0)}, []goal{atMost(allocations, 0, "").asBudget()}}},
	}}, nil
}
