package cli_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/sandbox"
)

// mixture gives the rows of a file with everything that may become of one, and what HPP answers to them.
func mixture(n int) (rows [][]string, script map[string][]sandbox.Step) {
	answers := map[int][]sandbox.Step{ // each to one row of a hundred
		3:  {{Action: "expired"}},
		13: {{Action: "disabled"}},
		23: {{Action: "refuse", Code: "BAD_VALUE", Messages: sandbox.Messages{"phone is not a mobile number"}}},
		33: {{Action: "error", Accepted: true}},
		43: {{Action: "reset_after"}},
		53: {{Action: "accept", Status: 200}},
		63: {{Action: "gateway", Status: 408}},
	}
	seldom := map[int][]sandbox.Step{ // to one of the first thousand
		73:  {{Action: "unavailable"}, {Action: "accept"}},
		173: {{Action: "throttled", RetryAfter: "1"}, {Action: "accept"}},
		273: {{Action: "unavailable"}, {Action: "expired"}},
		373: {{Action: "forbidden"}},
		473: {{Action: "redirect"}},
	}
	rows, script = [][]string{{"session_id", "phone", "phone_country", "email", "note"}}, map[string][]sandbox.Step{}
	for i := range n {
		row := []string{sessionID(i), fmt.Sprintf("+467017406%02d", 5+i%94), "", "", "first\nand second"}
		if i%2 == 1 {
			row = []string{row[0], "", "", fmt.Sprintf("person%d@example.com", i), `of "both"; and more`}
		}
		steps := answers[i%100]
		if i < 1000 && seldom[i] != nil {
			steps = seldom[i]
		}
		if steps != nil {
			script[row[0]] = steps
		}
		switch i % 100 {
		case 4:
			row[1] = "070-174 06 05" // with no country
		case 14:
			row[1], row[2] = "070-174 06 05", "SE"
		case 24:
			row[0] = sessionID(i - 1) // of another contact
		case 34:
			row = rows[len(rows)-10]
		case 44:
			row[0] = "not a session"
		case 54:
			row[1] = "call me"
		case 64:
			row[4] = "=1+1"
		case 74:
			row = []string{row[0], row[1], "", "", "", "too far right"}
		case 84:
			row[3] = "both@example.com"
		}
		rows = append(rows, row)
	}
	return append(rows, []string{"", "", "", "", "in all: " + strconv.Itoa(n)}), script
}

// TestSameReport has workers send what one machine sends too, by a ledger of its own and with the same answers: the
// reports are the same, byte for byte, but for the run, the times and the correlation ids. HPPSEND_ROWS is how many rows
// there are, in CSV alone.
func TestSameReport(t *testing.T) {
	t.Parallel()
	n, workers, formats := 3000, 2, []string{"csv", "xlsx"}
	if text := os.Getenv("HPPSEND_ROWS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		ok(t, err)
		workers, formats = 4, formats[:1]
	}
	rows, script := mixture(n)
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			one := newPlace(t, sandbox.Config{Script: sandbox.Script{Sessions: script}})
			many := newPlace(t, sandbox.Config{Script: sandbox.Script{Sessions: script}})
			many.onServer()
			for i := range workers {
				many.host(fmt.Sprintf("host%d", i)).worker("--concurrency", "64")
			}
			alone := one.reported(rows, format)
			shared := many.reported(rows, format, "--shared")
			t.Logf("%+v", alone)
			if alone != shared {
				t.Errorf("by workers it ends with %+v, and with %+v by one machine", shared, alone)
			}
			if alone.Delivered < n/2 || alone.Rejected < n/20 || alone.Uncertain < n/50 || alone.Skipped < n/100 || alone.Pending > 0 {
				t.Errorf("that is no mixture: %+v", alone)
			}
			a, b := parts(t, one.path(alone.Report)), parts(t, many.path(shared.Report))
			for name := range a {
				if b[name] == nil {
					t.Fatalf("the workers' has no %s", name)
				}
				sameText(t, name, a[name], b[name])
			}
		})
	}
}

// reported sends rows as a file of a format, and gives how that ended.
func (p *place) reported(rows [][]string, format string, args ...string) last {
	p.t.Helper()
	p.write("may.csv", rows)
	if format == "xlsx" {
		p.workbook("may.xlsx", rows)
	}
	began := time.Now()
	out, _ := p.run(append([]string{"--json", "--quiet", "--rate", "unlimited", "--concurrency", "64", "may." + format}, args...)...).Output()
	p.t.Logf("%q took %s", args, time.Since(began).Round(time.Second))
	p.once()
	return lastLine(p.t, out)
}

// parts are the files that a report consists of.
func parts(t *testing.T, path string) map[string]io.Reader {
	t.Helper()
	if filepath.Ext(path) == ".csv" {
		f, err := os.Open(path)
		ok(t, err)
		t.Cleanup(func() { f.Close() })
		return map[string]io.Reader{"the report": f}
	}
	z, err := zip.OpenReader(path)
	ok(t, err)
	defer z.Close()
	all := map[string]io.Reader{}
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "xl/") { // the library's own, in an order that changes
			continue
		}
		r, err := f.Open()
		ok(t, err)
		text, err := io.ReadAll(r)
		ok(t, err)
		all[f.Name] = strings.NewReader(strings.ReplaceAll(string(text), "><", ">\n<"))
	}
	return all
}

// workbook writes rows into a workbook.
func (p *place) workbook(name string, rows [][]string) {
	p.t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range rows {
		for j, cell := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			ok(p.t, err)
			ok(p.t, book.SetCellStr("Sheet1", at, cell))
		}
	}
	ok(p.t, book.SaveAs(filepath.Join(p.dir, name)))
}

// differs is what is another in each report: ids of runs, which have twelve letters, times, correlation ids; the port
// of the sandbox, and how fast it went.
var differs = regexp.MustCompile(`\d\S* a second|127\.0\.0\.1:\d+|\b[a-z2-7]{12}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// sameText compares texts line by line, but for what differs.
func sameText(t *testing.T, name string, a, b io.Reader) {
	t.Helper()
	first, second := bufio.NewReader(a), bufio.NewReader(b)
	plain := func(line []byte) string {
		return string(differs.ReplaceAllFunc(line, func(found []byte) []byte {
			if bytes.HasPrefix(found, []byte("a0000000-")) { // a session
				return found
			}
			return []byte("*")
		}))
	}
	for n, wrong := 1, 0; wrong < 5; n++ {
		one, err := first.ReadBytes('\n')
		two, err2 := second.ReadBytes('\n')
		if plain(one) != plain(two) || err != err2 {
			t.Errorf("%s, line %d, %v %v (-one machine +workers):\n%s", name, n, err, err2, cmp.Diff(plain(one), plain(two)))
			wrong++
		}
		if err != nil || err2 != nil {
			t.Logf("%s: %d lines", name, n)
			return
		}
	}
}
