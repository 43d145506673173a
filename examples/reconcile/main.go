// Reconcile compares a merchant's own orders of a day with WeChat Pay's bill of that day, and prints what one side
// has and the other has not.
//
//	go run ./examples/reconcile 2024-11-24 orders.csv
//
// A line of orders.csv is a number and an amount in fen (分): that of an order (商户订单号) with what was paid, or
// that of a refund (商户退款单号) with what was given back, which is negative. The settings are those that wxpay sim
// writes into wechatpay.env.
package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/bill"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: reconcile DATE ORDERS.csv, as in: reconcile 2024-11-24 orders.csv")
	}
	client, err := newClient()
	if err != nil {
		log.Fatal(err)
	}
	orders, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer orders.Close()
	ours, err := readOrders(orders)
	if err != nil {
		log.Fatal(err)
	}
	differences, err := reconcile(context.Background(), client, os.Args[1], ours, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	if differences > 0 {
		os.Exit(1)
	}
}

func newClient() (*wechatpay.Client, error) {
	key, err := auth.LoadPrivateKey(os.Getenv("WECHATPAY_PRIVATE_KEY_FILE"))
	if err != nil {
		return nil, err
	}
	pub, err := auth.LoadPublicKey(os.Getenv("WECHATPAY_PUBLIC_KEY_FILE"))
	if err != nil {
		return nil, err
	}
	return wechatpay.New(wechatpay.Merchant{
		MchID: os.Getenv("WECHATPAY_MCHID"), SerialNo: os.Getenv("WECHATPAY_SERIAL_NO"), PrivateKey: key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(os.Getenv("WECHATPAY_PUBLIC_KEY_ID"), pub)},
	}, wechatpay.BaseURL(os.Getenv("WECHATPAY_BASE_URL")))
}

// entry is what both sides have one amount of. An order and a refund may have the same number.
type entry struct{ kind, no string }

// The kinds, as they are printed.
const (
	payment  = "order"
	refund   = "refund"
	reversal = "reversal of order" // 撤销, of payments by code
)

// readOrders reads amounts in fen.
func readOrders(file io.Reader) (map[entry]int64, error) {
	lines := csv.NewReader(file)
	lines.FieldsPerRecord = 2
	orders := map[entry]int64{}
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return orders, nil
		}
		if err != nil {
			return nil, err
		}
		at, _ := lines.FieldPos(0)
		amount, err := strconv.ParseInt(line[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: the amount is not a number of fen", at)
		}
		e := entry{payment, line[0]}
		if amount < 0 {
			e.kind = refund
		}
		if _, twice := orders[e]; twice {
			return nil, fmt.Errorf("line %d: the %s %s is there twice", at, e.kind, e.no)
		}
		orders[e] = amount
	}
}

// reconcile prints what differs, in the order of the numbers, and tells how much that is.
func reconcile(ctx context.Context, client *wechatpay.Client, date string, ours map[entry]int64, out io.Writer) (differences int, err error) {
	theirs, err := billed(ctx, client, date)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, amount := range theirs {
		sum += amount
	}
	both := maps.Clone(ours)
	maps.Copy(both, theirs)
	inOrder := func(a, b entry) int { return cmp.Or(cmp.Compare(a.no, b.no), cmp.Compare(a.kind, b.kind)) }
	for _, e := range slices.SortedFunc(maps.Keys(both), inOrder) {
		our, here := ours[e]
		their, there := theirs[e]
		switch {
		case !there:
			fmt.Fprintf(out, "%s %s: we have %s, and the bill does not have it\n", e.kind, e.no, yuan(our))
		case !here:
			fmt.Fprintf(out, "%s %s: the bill has %s, and we do not have it\n", e.kind, e.no, yuan(their))
		case our != their:
			fmt.Fprintf(out, "%s %s: we have %s, and the bill has %s\n", e.kind, e.no, yuan(our), yuan(their))
		default:
			continue
		}
		differences++
	}
	fmt.Fprintf(out, "%s: %d of WeChat Pay, %s; %d of ours; %d differ\n", date, len(theirs), yuan(sum), len(ours), differences)
	return differences, nil
}

// billed are the payments, refunds and reversals of the day's bill. On a day on which nothing happened there is
// no bill.
func billed(ctx context.Context, client *wechatpay.Client, date string) (map[entry]int64, error) {
	b, err := bill.Open(ctx, client, bill.Trade{Date: date, Gzip: true})
	if errors.Is(err, bill.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	amounts := map[entry]int64{}
	for row, err := range b.Rows() {
		if err != nil {
			return nil, err
		}
		switch row.TradeState {
		case "REFUND":
			amounts[entry{refund, row.OutRefundNo}] -= row.RefundRequestAmount
		case "REVOKED":
			amounts[entry{reversal, row.OutTradeNo}] -= row.RefundRequestAmount
		default:
			amounts[entry{payment, row.OutTradeNo}] += row.OrderAmount
		}
	}
	return amounts, nil
}

// yuan is an amount of fen as people read it.
func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s¥%d.%02d", sign, fen/100, fen%100)
}
