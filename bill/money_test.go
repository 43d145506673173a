package bill

import (
	"math"
	"testing"
)

func TestAmountsAreReadExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	const none = math.MinInt64
	tests := map[string]struct{ fen, amount int64 }{
		"0":                    {0, 0},
		"0.00":                 {0, 0},
		"0.0":                  {0, 0},
		"45.0":                 {4500, 4500000},
		"12.30":                {1230, 1230000},
		"-0.01":                {-1, -1000},
		"-0.00":                {0, 0},
		"0.07380":              {none, 7380},
		"-0.00001":             {none, -1},
		"0.10000000":           {10, 10000},
		"0.000010":             {none, 1},
		"007.5":                {750, 750000},
		"92233720368547.75807": {none, math.MaxInt64},
		"92233720368547.75808": {none, none},
		"92233720368547758.07": {math.MaxInt64, none},
		"92233720368547758.08": {none, none},
		"9223372036854775807":  {none, none},
		"99999999999999999999": {none, none},
		"18446744073709551617": {none, none}, // that is 1 where it does not fit
		"":                     {none, none},
		"-":                    {none, none},
		"--1":                  {none, none},
		"+1":                   {none, none},
		".5":                   {none, none},
		"5.":                   {none, none},
		"1.2.3":                {none, none},
		"1,000.00":             {none, none},
		"1e3":                  {none, none},
		"0x10":                 {none, none},
		"NaN":                  {none, none},
		"Inf":                  {none, none},
		" 1":                   {none, none},
		"１":                    {none, none},
		"0.000001":             {none, none},
		"0.001":                {none, 100},
	}
	for text, want := range tests {
		if got, err := ParseFen(text); (err == nil) != (want.fen != none) || err == nil && got != want.fen {
			t.Errorf("ParseFen(%q) = %d, %v", text, got, err)
		}
		got, err := ParseAmount(text)
		if (err == nil) != (want.amount != none) || err == nil && int64(got) != want.amount {
			t.Errorf("ParseAmount(%q) = %d, %v", text, got, err)
		}
		if again, err2 := ParseAmount(got.String()); err == nil && (err2 != nil || again != got) {
			t.Errorf("%q prints as %v, which reads as %d, %v", text, got, again, err2)
		}
	}
}

func TestAmountsPrintAsYuan(t *testing.T) {
	t.Parallel()
	for amount, want := range map[Amount]string{
		0: "0.00", 1: "0.00001", -1: "-0.00001", 600: "0.006", 7380: "0.0738", -2736: "-0.02736", perYuan: "1.00", -perYuan: "-1.00", 123_45678: "123.45678",
		math.MaxInt64: "92233720368547.75807", math.MinInt64: "-92233720368547.75808",
	} {
		if got := amount.String(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(amount), got, want)
		}
	}
	for amount, want := range map[Amount]int64{0: 0, 600: 0, 1000: 1, -1000: -1, 1999: 1, -1999: -1} {
		if fen, exact := amount.Fen(); fen != want || exact != (amount%1000 == 0) {
			t.Errorf("%v is %d fen, %t", amount, fen, exact)
		}
	}
}

func TestSumsThatDoNotFitAreNoticed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b Amount
		ok   bool
	}{
		{1, 2, true}, {1, -2, true}, {0, 0, true}, {5, 0, true}, {-5, 0, true}, {math.MaxInt64, math.MinInt64, true}, {math.MaxInt64, 0, true},
		{math.MaxInt64, 1, false}, {math.MinInt64, -1, false}, {math.MinInt64, math.MinInt64, false},
	} {
		if sum, ok := tt.a.plus(tt.b); ok != tt.ok || ok && sum != tt.a+tt.b {
			t.Errorf("%d + %d = %d, %t", tt.a, tt.b, sum, ok)
		}
	}
}

func TestUnescapeUndoesWhatCanBeUndone(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]string{
		"":               "",
		"tea":            "tea",
		`a\ b`:           "a,b",
		`\\`:             `\`,
		`\\n`:            `\n`,
		`\n\r\t`:         "\n\r\t",
		"\\`":            "`",
		`\140`:           "`",
		`\\140`:          `\140`,
		`\'\"`:           `'"`,
		"\\\x1a":         "\x1a",
		`\`:              `\`,
		`a\`:             `a\`,
		`\x`:             `\x`,
		`\14`:            `\14`,
		"咖啡\\ 大\\\\杯\\`": "咖啡,大\\杯`",
		`\\\ \\\\ \n`:    "\\,\\\\ \n",
	} {
		if got := Unescape(column); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", column, got, want)
		}
	}
}
