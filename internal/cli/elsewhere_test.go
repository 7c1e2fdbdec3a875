package cli_test

import (
	"testing"

	"hppsend/internal/sandbox"
)

// TestReportMadeDuringARun carries the report of a run that still sends to a machine with another ledger:
// what the run had not come to yet is not sent there either.
func TestReportMadeDuringARun(t *testing.T) {
	t.Parallel()
	const rows = 30
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, rows)
	p.duringCall(4, func() {
		p.must(5, p.hppsend("report", "--endpoint", p.url, "-o", "mid.csv", "may.csv"))
	})
	p.must(0, p.run("--rate", "15/s", "may.csv"))
	p.must(0, p.run("--rate", "unlimited", "--ledger", "other/ledger.db", "-o", "elsewhere.csv", "mid.csv"))
	if got := p.once(); got != rows || p.box.Stats().Calls != rows {
		t.Errorf("%d sessions were accepted by %d calls; the report said\n%v", got, p.box.Stats().Calls, p.read("mid.csv"))
	}
	for _, row := range pick(p.read("elsewhere.csv"), []string{"hpp_code"})[1:] {
		if row[0] != "delivered_elsewhere" && row[0] != "uncertain_elsewhere" {
			t.Errorf("a row is %s", row[0])
		}
	}
}
