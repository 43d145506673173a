// Reconcile compares a merchant's own orders of a day with WeChat Pay's bill of that day, and prints what one side
// has and the other has not.
//
//	go run ./examples/reconcile 2024-11-24 orders.csv
//
// A line of orders.csv is a number (商户订单号) and an amount in fen (分), negative for a refund, which has the
// number of the refund (商户退款单号). The settings are those that wxpay sim writes into wechatpay.env.
package main

import (
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

// readOrders reads amounts in fen by their numbers.
func readOrders(file io.Reader) (map[string]int64, error) {
	lines := csv.NewReader(file)
	lines.FieldsPerRecord = 2
	orders := map[string]int64{}
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
		if _, twice := orders[line[0]]; twice {
			return nil, fmt.Errorf("line %d: the number %s is there twice", at, line[0])
		}
		orders[line[0]] = amount
	}
}

// reconcile prints what differs, in the order of the numbers, and tells how much that is.
func reconcile(ctx context.Context, client *wechatpay.Client, date string, ours map[string]int64, out io.Writer) (differences int, err error) {
	theirs, err := billed(ctx, client, date)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, amount := range theirs {
		sum += amount
	}
	numbers := maps.Clone(ours)
	maps.Copy(numbers, theirs)
	for _, no := range slices.Sorted(maps.Keys(numbers)) {
		our, here := ours[no]
		their, there := theirs[no]
		switch {
		case !there:
			fmt.Fprintf(out, "%s: we have %s, and the bill does not have it\n", no, yuan(our))
		case !here:
			fmt.Fprintf(out, "%s: the bill has %s, and we do not have it\n", no, yuan(their))
		case our != their:
			fmt.Fprintf(out, "%s: we have %s, and the bill has %s\n", no, yuan(our), yuan(their))
		default:
			continue
		}
		differences++
	}
	fmt.Fprintf(out, "%s: %d of WeChat Pay, %s; %d of ours; %d differ\n", date, len(theirs), yuan(sum), len(ours), differences)
	return differences, nil
}

// billed are the payments and refunds of the day's bill. On a day on which nothing happened there is no bill.
func billed(ctx context.Context, client *wechatpay.Client, date string) (map[string]int64, error) {
	b, err := bill.Open(ctx, client, bill.Trade{Date: date, Gzip: true})
	if errors.Is(err, bill.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	amounts := map[string]int64{}
	for row, err := range b.Rows() {
		switch {
		case err != nil:
			return nil, err
		case row.TradeState == "REFUND":
			amounts[row.OutRefundNo] -= row.RefundRequestAmount
		default:
			amounts[row.OutTradeNo] += row.OrderAmount - row.RefundRequestAmount
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
