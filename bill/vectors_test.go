package bill

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/vectors"
)

func TestVectors(t *testing.T) {
	t.Parallel()
	vectors.Run(t, "bill", vectors.Checks{"bill-structure": checkStructure, "aes-gcm-raw": checkPart})
}

// checkStructure reads the lines of a bill that the vector has. Its summary is of more rows than that.
func checkStructure(t *testing.T, _ vectors.Set, v vectors.Vector) {
	content := lined(v.FirstLine, v.FirstRow, v.SummaryHeader, v.SummaryRow)
	rows, err := all(Read[TradeRow](strings.NewReader(content)))
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "the summary says 45, the rows come to 1") || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if row := rows[0]; row.Other != nil || row.OutTradeNo == "" || row.TradeState != "REFUND" || row.RefundAmount != 1 || row.Time.IsZero() {
		t.Errorf("the row is %+v", row)
	}
	content = lined(v.FirstLine, v.FirstRow, v.SummaryHeader, "`1.0,`0.00,`0.01,`0.0,`0.00,`0.0,`0.01")
	_, p, err := parsed[TradeRow]([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, total := range p.summary.Totals {
		if !total.Checked {
			t.Errorf("nobody knows %s", total.Name)
		}
	}
}

// checkPart decrypts the file of a part.
func checkPart(t *testing.T, _ vectors.Set, v vectors.Vector) {
	content, err := hex.DecodeString(v.RawHex)
	if err != nil {
		t.Fatal(err)
	}
	about := part{EncryptKey: wechatpay.Sensitive(v.Key), Nonce: v.Nonce, Sequence: 1}
	decode(t, said(told([]byte(v.Plaintext), "x")).body, &about.place)
	for _, damage := range []bool{false, true} {
		file, err := newSpool(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if damage {
			content[0] ^= 1
		}
		if err := file.fill(strings.NewReader(string(content))); err != nil {
			t.Fatal(err)
		}
		plain, err := about.decrypt(file)
		if damage {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("damaged, it gives %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(plain); err != nil || string(got) != v.Plaintext {
			t.Errorf("decrypts to %q, %v", got, err)
		}
	}
}
