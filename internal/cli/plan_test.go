package cli_test

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
)

// approvers FILE NAME=OPTIONS KEY.pub … writes a list of who may approve.
func approvers(ts *testscript.TestScript, _ bool, args []string) {
	var list strings.Builder
	for i := 1; i+1 < len(args); i += 2 {
		name, options, _ := strings.Cut(args[i], "=")
		list.WriteString(strings.Join(strings.Fields(name+" "+options+" "+ts.ReadFile(args[i+1])), " ") + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(list.String()), 0o600))
}

// signs KEY FILE [NAMESPACE] signs a file anew.
func signs(ts *testscript.TestScript, _ bool, args []string) {
	os.Remove(ts.MkAbs(args[1]) + ".sig")
	namespace := append(args, "hppsend")[2]
	ts.Check(ts.Exec("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", args[0], args[1]))
}

// summary REPORT NAME VALUE sees how a line of a workbook's summary begins.
func summaryLine(ts *testscript.TestScript, _ bool, args []string) {
	f, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	rows, err := f.GetRows("Summary")
	ts.Check(err)
	for _, row := range rows {
		if len(row) > 1 && row[0] == args[1] && strings.HasPrefix(row[1], args[2]) {
			return
		}
	}
	ts.Fatalf("the summary has no %s that begins with %s: %q", args[1], args[2], rows)
}
