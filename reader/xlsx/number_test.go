package xlsx

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		stored, want string
		lost         bool
	}{
		{"0", "0", false},
		{"-0", "0", false},
		{"000", "0", false},
		{"0.000E5", "0", false},
		{"7", "7", false},
		{"+7", "7", false},
		{"007", "7", false},
		{"-7.50", "-7.5", false},
		{".5", "0.5", false},
		{"5.", "5", false},
		{"46701740605", "46701740605", false},
		{"4.6701740605E10", "46701740605", false},
		{"4.6712345678E10", "46712345678", false},
		{"4.6712345678e+10", "46712345678", false},
		{"46701740605.0", "46701740605", false},
		{"1E2", "100", false},
		{"1.5E-3", "0.0015", false},
		{"-1.5E-3", "-0.0015", false},
		{"12E-1", "1.2", false},
		{"0.30000000000000004", "0.3", false},
		{"46701740604.999992", "46701740605", false},
		{"46701740604.99999999", "46701740605", false},
		{"45000.541666666664", "45000.5416666667", false},
		{"1.0000000000000002E-2", "0.01", false},
		{"123456789012345", "123456789012345", false},
		{"999999999999999", "999999999999999", false},
		{"99999999999999.99", "100000000000000", false},
		{"999999999999999.9", "1000000000000000", true}, // carried into a sixteenth digit
		{"1234567890123456", "1234567890123456", true},
		{"1234567890123450", "1234567890123450", true}, // as a program leaves a card number
		{"1.23456789012345E15", "1234567890123450", true},
		{"1.2345678901234567E+19", "12345678901234567000", true},
		{"1234567890123456.5", "1234567890123460", true},
		{"1E15", "1000000000000000", true},
		{"1E14", "100000000000000", false},
		{"-1E16", "-10000000000000000", true},
		{"1E400", "1" + strings.Repeat("0", 400), true},
	} {
		_, got, lost, ok := number(c.stored)
		if !ok || got != c.want || lost != c.lost {
			t.Errorf("%s is %s, lost %t, ok %t; want %s, %t", c.stored, got, lost, ok, c.want, c.lost)
		}
	}
}

func TestNumberRefuses(t *testing.T) {
	for _, s := range []string{
		"", ".", "-", "+", "e", "E5", ".E5", "1e", "1E+", "1E1.5", "0x1", "0x1p4", "NaN", "INF", "-INF", "Infinity", "1_0", "1,5",
		"1.2.3", "--1", "+-1", "-+1", "1-", "1 2", " 1", "1\n", "1E99999999999999999999", "1E401", "1E-401", "1E1E1", "١", "4 %",
	} {
		if _, got, _, ok := number(s); ok {
			t.Errorf("%q is %s", s, got)
		}
	}
}

// What a program stores as a double is given as it shows it: the same up to half a unit of the
// fifteenth digit, and exactly when no more than fifteen were stored.
func TestNumberKeepsTheValue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		f := random.Float64() * float64(random.IntN(2000)-1000)
		shift := random.IntN(60) - 30
		stored := strconv.FormatFloat(f, 'E', random.IntN(18)-1, 64)
		stored = stored[:strings.IndexByte(stored, 'E')+1] + strconv.Itoa(shift)
		_, digits, lost, ok := number(stored)
		if !ok {
			t.Fatalf("%s is no number", stored)
		}
		want, _ := new(big.Rat).SetString(stored)
		got, isNumber := new(big.Rat).SetString(digits)
		if !isNumber || strings.ContainsAny(digits, "eE+") || strings.HasSuffix(digits, ".") {
			t.Fatalf("%s is %s", stored, digits)
		}
		mantissa := strings.Trim(strings.ReplaceAll(strings.Trim(stored[:strings.IndexByte(stored, 'E')], "-"), ".", ""), "0")
		off := new(big.Rat).Sub(got, want)
		if len(mantissa) <= trusted || lost && got.IsInt() && want.IsInt() {
			if off.Sign() != 0 {
				t.Fatalf("%s is %s", stored, digits)
			}
			continue
		}
		half := new(big.Rat).Abs(want)
		half.Mul(half, big.NewRat(1, 2e14)) // half a unit of the fifteenth digit is no more than this
		if off.Abs(off).Cmp(half) > 0 {
			t.Fatalf("%s is %s", stored, digits)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"46701740605", "-1.5E-3", "0.30000000000000004", "1E400", "1E-400", "", "1e", "NaN", "999999999999999.9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		_, digits, _, ok := number(stored)
		if !ok {
			return
		}
		if _, err := strconv.ParseFloat(stored, 64); err != nil && !strings.Contains(err.Error(), "range") {
			t.Errorf("%q is no number, and gave %s", stored, digits)
		}
		_, again, _, ok := number(digits)
		if !ok || again != digits && len(digits) <= trusted {
			t.Errorf("%q gave %s, and that %s", stored, digits, again)
		}
	})
}
