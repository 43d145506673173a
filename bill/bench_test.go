package bill

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/csv"
	"io"
	"strings"
	"testing"
)

// BenchmarkRead reads a bill beside what the standard library alone does with the same bytes: hashing
// them, as every bill that comes from WeChat Pay is, hashing and splitting them, and reading them as
// CSV, which knows no backticks and keeps no amounts.
func BenchmarkRead(b *testing.B) {
	content := generate(16 << 20)
	speeds := make(map[string]float64) // in bytes per second, of the ways before
	hashed := func(r io.Reader) io.Reader { return io.TeeReader(r, sha1.New()) }
	for _, way := range []struct {
		name string
		run  func(io.Reader) error
	}{
		{"hash", func(r io.Reader) error {
			_, err := io.Copy(io.Discard, hashed(r))
			return err
		}},
		{"hash+split", func(r io.Reader) error {
			lines := bufio.NewScanner(hashed(r))
			for lines.Scan() {
				if len(strings.Split(lines.Text(), ",`")) == 0 {
					return io.ErrUnexpectedEOF
				}
			}
			return lines.Err()
		}},
		{"csv", readCSV},
		{"read", func(r io.Reader) error { return sum(r) }},
		{"hash+read", func(r io.Reader) error { return sum(hashed(r)) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if err := way.run(bytes.NewReader(content)); err != nil {
					b.Fatal(err)
				}
			}
			speeds[way.name] = float64(b.N) * float64(len(content)) / b.Elapsed().Seconds()
			for _, other := range []string{"hash", "hash+split", "csv"} {
				if strings.HasSuffix(way.name, "read") {
					b.ReportMetric(speeds[way.name]/speeds[other], "×"+other)
				}
			}
		})
	}
}

// readCSV reads what encoding/csv takes for the values: it knows no backticks.
func readCSV(r io.Reader) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for {
		if _, err := rows.Read(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func sum(r io.Reader) error {
	var total int64
	for row, err := range Read[TradeRow](r) {
		if err != nil {
			return err
		}
		total += row.SettlementTotal
	}
	if total == 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}
