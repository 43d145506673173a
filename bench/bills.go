package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/bill"
)

// The headings of today's trade bills (交易账单), and a row.
const (
	columns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
		"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
	totals  = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
	paidRow = "`2024-11-24 %02d:%02d:%02d,`wx2421b1c4370ec43b,`1900000109,`0,`pos-%d,`42000025002024112%011d,`%016x,`oUpF8uM%s," +
		"`JSAPI,`SUCCESS,`OTHERS,`CNY,`%s,`0.00,`0,`0,`0.00,`0.00,`,`,`咖啡，大杯\\ 加糖,`,`%d.%05d,`0.60%%,`%s,`0.00,`\r\n"
)

// made is a trade bill of at least size bytes, the same each time. Its numbers and openids are random, for
// they are what a packed bill consists of.
func made(size int64) (content []byte, rows int, total int64) {
	var b bytes.Buffer
	random := rand.New(rand.NewPCG(20241124, 27))
	b.WriteString("\ufeff" + columns)
	for ; int64(b.Len()) < size; rows++ {
		var openid [15]byte
		for i := range openid {
			openid[i] = byte(random.Uint32())
		}
		fen := 100 + random.Int64N(20000)
		fee := fen * 6
		total += fen
		fmt.Fprintf(&b, paidRow, rows/3600%24, rows/60%60, rows%60, random.IntN(100), random.Int64N(1e11), random.Uint64(),
			base64.RawURLEncoding.EncodeToString(openid[:]), yuan(fen), fee/100000, fee%100000, yuan(fen))
	}
	fmt.Fprintf(&b, "%s`%d.0,`%s,`0.00,`0.00,`%d.%05d,`%s,`0.00\r\n", totals, rows, yuan(total), total*6/100000, total*6%100000, yuan(total))
	return b.Bytes(), rows, total
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func bills(how effort, b *bench) ([]table, error) {
	content, rows, total := made(how.billBytes)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(content); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	key, err := b.constant()
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(content)
	client, err := b.client(key, wechatpay.Transport(&oneBill{b, packed.Bytes(), hex.EncodeToString(sum[:])}))
	if err != nil {
		return nil, err
	}
	ways := []struct {
		name string
		do   func() error
	}{
		{"hash, unzip and split by hand", func() error { return splitByHand(packed.Bytes(), sum, rows) }},
		{"bill.Stream", func() error {
			return addUp(total, bill.Stream(context.Background(), client, bill.Trade{Date: "2024-11-24", Gzip: true}))
		}},
		{"bill.Open and Rows, all of it checked before", func() error {
			opened, err := bill.Open(context.Background(), client, bill.Trade{Date: "2024-11-24", Gzip: true})
			if err != nil {
				return err
			}
			return errors.Join(addUp(total, opened.Rows()), opened.Close())
		}},
		{"bill.Read, of one that is unpacked", func() error { return addUp(total, bill.Read[bill.TradeRow](bytes.NewReader(content))) }},
	}
	var contenders []contender
	for _, w := range ways {
		contenders = append(contenders, each(w.do))
	}
	how.rounds = min(how.rounds, 31) // for an operation is a whole bill
	all, err := compete(how, 1, contenders...)
	if err != nil {
		return nil, err
	}
	t := table{
		title: "Bills",
		says: fmt.Sprintf("A trade bill of %.1f MB and %d rows, %.1f MB packed, from memory: MB of the unpacked bill in a second of CPU time. "+
			"By hand amounts are not read, rows not checked against the summary.", float64(len(content))/1e6, rows, float64(packed.Len())/1e6),
		head: []string{"MB/s", "speed / by hand (p5–p95)"},
	}
	for i, w := range ways {
		part := over(all[0], all[i])
		r := row{name: w.name, cells: []cell{figure(float64(len(content))/spreadOf(all[i]).median*1e3, 0), between(part)}}
		switch i {
		case 1, 2:
			r.goals = []goal{atLeast(part.median, 0.60, "")}
		case 3:
			r.cells[1] = nothing("–") // for it neither hashes nor unzips
		}
		t.rows = append(t.rows, r)
	}
	return []table{t}, nil
}

func addUp(want int64, rows iter.Seq2[bill.TradeRow, error]) error {
	var total int64
	for row, err := range rows {
		if err != nil {
			return err
		}
		total += row.SettlementTotal
	}
	if total != want {
		return errors.New("the bill adds up to something else")
	}
	return nil
}

func splitByHand(packed []byte, sum [sha1.Size]byte, rows int) error {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	hash, n := sha1.New(), 0
	lines := bufio.NewScanner(io.TeeReader(z, hash))
	row := make([]string, 0, 27) // used again; its values are texts, which who reads a bill wants
	for lines.Scan() {
		values := row[:0]
		for rest, more := lines.Text(), true; more; {
			var value string
			value, rest, more = strings.Cut(rest, ",`")
			values = append(values, value)
		}
		if len(values) == cap(row) {
			n++
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if n != rows || [sha1.Size]byte(hash.Sum(nil)) != sum {
		return errors.New("by hand the bill is another one")
	}
	return nil
}

// oneBill hands out one, whatever is asked for.
type oneBill struct {
	bench  *bench
	packed []byte
	sha1   string
}

func (c *oneBill) RoundTrip(req *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req}
	text := c.packed
	if req.URL.Path == "/v3/bill/tradebill" {
		var err error
		text, err = json.Marshal(map[string]string{
			"hash_type": "SHA1", "hash_value": c.sha1,
			"download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x&tartype=gzip",
		})
		if err != nil {
			return nil, err
		}
		if res.Header, err = c.bench.sign(text); err != nil {
			return nil, err
		}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return res, nil
}
