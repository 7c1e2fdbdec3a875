// Command generate makes the sample campaigns, campaign.csv and campaign.xlsx, always the same:
//
//	go run ./testdata/generate testdata
//
// They look like a shop's export of open payments. Names are made up; numbers and domains are those
// reserved for examples and fiction. Some rows are bad in the ways people's rows are bad, and the first
// group of some session ids tells the sandbox how to behave.
package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const ordersPerFile = 194

type order struct {
	number   int
	customer string
	due      time.Time
	amount   float64
	currency string
	session  string
	method   string
	phone    string
	country  string
	email    string
	note     string
}

type market struct{ country, currency, mobile string }

// markets are countries with numbers reserved for fiction; # is a digit of theirs.
var markets = []market{
	{"SE", "SEK", "070-174 06 ##"},
	{"SE", "SEK", "+46 70 174 06 ##"},
	{"SE", "SEK", "070174 06##"},
	{"GB", "GBP", "07700 9005##"},
	{"GB", "GBP", "+44 7700 9001##"},
	{"FR", "EUR", "06 39 98 00 ##"},
	{"FR", "EUR", "+33 6 39 98 00 ##"},
	{"DE", "EUR", "0176 040690##"},
	{"DE", "EUR", "+49 176 040690##"},
	{"US", "USD", "(202) 555-01##"},
}

var (
	firstNames = strings.Fields("Alva Bertil Cecilia David Elsa Freja Gustav Hanna Ines Jakob Karin Ludvig Maja Nils Olga Petra Rasmus Sofia Tove Ulf Vera Wilma")
	lastNames  = strings.Fields("Almqvist Berglund Carver Dupont Ekdahl Fischer Granlund Hartley Isaksson Jansson Keller Lindahl Moreau Norwood Okafor Petrov Quist Renard Sandell Thorne")
)

func main() {
	dir := "testdata"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := writeCSV(filepath.Join(dir, "campaign.csv"), orders(1, 48100)); err != nil {
		log.Fatal(err)
	}
	if err := writeXLSX(filepath.Join(dir, "campaign.xlsx"), orders(2, 51300)); err != nil {
		log.Fatal(err)
	}
}

// orders makes the rows of one file.
func orders(seed uint64, first int) []order {
	rng := rand.New(rand.NewPCG(seed, 20))
	var out []order
	for i := range ordersPerFile {
		m := markets[rng.IntN(len(markets))]
		given, family := firstNames[rng.IntN(len(firstNames))], lastNames[rng.IntN(len(lastNames))]
		o := order{
			number: first + i, customer: given + " " + family, due: time.Date(2026, 11, 1+i/8, 0, 0, 0, 0, time.UTC),
			amount: float64(rng.IntN(400000)+9900) / 100, currency: m.currency, session: session(rng), country: m.country,
		}
		phone := strings.ReplaceAll(m.mobile, "##", fmt.Sprintf("%02d", 5+i%94))
		address := strings.ToLower(given+"."+family) + strconv.Itoa(i) + "@example." + []string{"com", "org", "net"}[i%3]
		switch rng.IntN(10) {
		case 0, 1, 2, 3, 4: // a phone and no method
			o.phone = phone
		case 5, 6, 7:
			o.email = address
		case 8:
			o.method, o.phone, o.email = "sms", phone, address
		case 9:
			o.method, o.phone, o.email = "email", phone, address
		}
		out = append(out, o)
	}
	behave(out)
	spoil(out)
	return out
}

func session(rng *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-%x%03x-%012x",
		0x10000000+rng.Uint32N(0xe0000000), rng.Uint32N(0x10000), rng.Uint32N(0x1000), 8+rng.Uint32N(4), rng.Uint32N(0x1000), rng.Uint64N(1<<48))
}

// behave makes the sandbox treat some sessions in its special ways.
func behave(o []order) {
	for row, kind := range map[int]string{
		17: "00000404", 58: "00000404", 102: "00000404", 149: "00000404", // expired
		33: "00000400", 121: "00000400", // disabled
		41: "00000503", 88: "00000503", 160: "00000503", // unavailable once
		64:  "00000429",                  // throttled once
		77:  "00000504",                  // a gateway gives up: it may have been sent
		110: "00000408", 111: "00000408", // slow
	} {
		o[row].session = kind + o[row].session[8:]
		o[row].note = ""
	}
}

// spoil makes rows bad, or odd, as people do.
func spoil(o []order) {
	o[5].phone, o[5].email, o[5].method, o[5].country = "0046 70 174 06 10", "", "", "SE"
	o[9].phone, o[9].email, o[9].method, o[9].country = "+46 (0)70 174 06 12", "", "", "SE"
	o[12].session = ""
	o[20].phone, o[20].email, o[20].method = "call 070-174 06 14", "", ""
	o[24].phone, o[24].email, o[24].method = "", "elsa.ekdahl(at)example.com", ""
	o[29].phone, o[29].email, o[29].method = "", "", ""
	o[37].method = "fax"
	o[45].session = o[44].session
	o[45].note = "sent twice by mistake?"
	o[52].phone, o[52].email, o[52].method = "4.67E+10", "", ""
	o[61].phone, o[61].email, o[61].method = "", "Hanna Hartley <hanna.hartley@example.org>", ""
	o[70].phone, o[70].email, o[70].method, o[70].country = "070-174 06 20", "", "", "Sweden"
	o[81].phone, o[81].email, o[81].method, o[81].country = "070-174 06 22", "", "", ""
	o[93].phone, o[93].email, o[93].method = "070-174", "", ""
	o[104].phone, o[104].email, o[104].method = "", "ines.isaksson@example.com, karin.keller@example.com", ""
	o[117].session = "https://pay.example.com/s/" + o[117].session
	o[126].session = strings.ToUpper(o[126].session)
	o[140].email, o[140].phone, o[140].method = " maja.moreau@example.com ", "", ""
	o[152].method, o[152].phone, o[152].email = "sms", "", "nils.norwood@example.net"
	o[166].country, o[166].phone, o[166].email, o[166].method = "Atlantis", "070-174 06 30", "", ""
	o[171].note = "+46 70 174 06 33 is her husband's"
	o[180].note = `=HYPERLINK("https://example.com")`
	o[185].customer = "Thorne, Vera \"V.\""
}

var headers = []string{"Order", "Customer", "Due", "Amount", "Currency", "HPP session", "Send by", "Mobile", "Country", "E-mail", "Note"}

func writeCSV(path string, rows []order) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	w := csv.NewWriter(f)
	if err := w.Write(headers); err != nil {
		return err
	}
	for _, o := range rows {
		if err := w.Write([]string{
			strconv.Itoa(o.number), o.customer, o.due.Format(time.DateOnly), strconv.FormatFloat(o.amount, 'f', 2, 64), o.currency,
			o.session, o.method, o.phone, o.country, o.email, o.note,
		}); err != nil {
			return err
		}
	}
	var total float64
	for _, o := range rows {
		total += o.amount
	}
	if err := w.Write([]string{"Total", "", "", strconv.FormatFloat(total, 'f', 2, 64), "", "", "", "", "", "", ""}); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// writeXLSX makes a workbook as a person would: a title, a header in the third row, widths, dates and
// amounts as numbers, phone numbers now as text and now as numbers without their zero.
func writeXLSX(path string, rows []order) error {
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "November"
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	style := func(s *excelize.Style) int {
		id, err := f.NewStyle(s)
		if err != nil {
			log.Fatal(err)
		}
		return id
	}
	title := style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 16}})
	head := style(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}}})
	dateFormat, money := "yyyy-mm-dd", "#,##0.00"
	date, amount := style(&excelize.Style{CustomNumFmt: &dateFormat}), style(&excelize.Style{CustomNumFmt: &money})
	text := style(&excelize.Style{NumFmt: 49})

	sw, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	for column, width := range []float64{9, 22, 12, 12, 9, 39, 9, 22, 10, 34, 30} {
		if err := sw.SetColWidth(column+1, column+1, width); err != nil {
			return err
		}
	}
	put := func(row int, cells ...any) {
		if err == nil {
			err = sw.SetRow(fmt.Sprintf("A%d", row), cells)
		}
	}
	put(1, excelize.Cell{Value: "Open payments, November", StyleID: title})
	var heads []any
	for _, h := range headers {
		heads = append(heads, excelize.Cell{Value: h, StyleID: head})
	}
	put(3, heads...)
	for i, o := range rows {
		phone := any(excelize.Cell{Value: o.phone, StyleID: text})
		if digits := strings.NewReplacer("-", "", " ", "").Replace(o.phone); strings.HasPrefix(digits, "07") && i%3 == 0 {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				phone = n // typed into a cell that was not text: the zero is gone
			}
		}
		put(4+i, o.number, o.customer, excelize.Cell{Value: o.due, StyleID: date}, excelize.Cell{Value: o.amount, StyleID: amount}, o.currency,
			o.session, o.method, phone, o.country, o.email, excelize.Cell{Value: o.note, StyleID: text})
	}
	var total float64
	for _, o := range rows {
		total += o.amount
	}
	put(4+len(rows), excelize.Cell{Value: "Total", StyleID: head}, "", "",
		excelize.Cell{Formula: fmt.Sprintf("SUM(D4:D%d)", 3+len(rows)), Value: math.Round(total*100) / 100, StyleID: amount})
	if err != nil {
		return err
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	return f.SaveAs(path)
}
