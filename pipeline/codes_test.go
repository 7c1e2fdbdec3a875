package pipeline

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every code that a part of the program gives a row is in the table: the codes are read out of the source, so
// that one that is new is missed here. It has a name, since a literal could be misspelt.
func TestEveryCodeIsInTheTable(t *testing.T) {
	found := map[string]bool{}
	for _, folder := range []string{".", "../reader", "../internal/contact", "../internal/hpp", "../internal/ledger"} {
		eachFile(t, folder, func(name string, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					for i, id := range n.Names {
						if !regexp.MustCompile(`^(Code|Stop)[A-Z]`).MatchString(id.Name) || i >= len(n.Values) {
							continue
						}
						if text, ok := literal(n.Values[i]); ok {
							found[text] = true
						}
					}
				case *ast.KeyValueExpr:
					key, ok := n.Key.(*ast.Ident)
					if text, isText := literal(n.Value); ok && isText && key.Name == "Code" {
						t.Errorf("%s: %q is to have a name", name, text)
					}
				}
				return true
			})
		})
	}
	if len(found) < 50 || !found["merged_cell"] || !found["bad_phone"] || !found["canary"] {
		t.Fatalf("only these codes were found: %v", found)
	}
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Code] || c.Meaning == "" || c.Todo == "" || c.Resend == "" || !slices.Contains(append(Statuses(), ""), c.Status) {
			t.Errorf("%s stands twice or lacks something: %+v", c.Code, c)
		}
		seen[c.Code] = true
		if CodeOf(c.Code) != c {
			t.Errorf("%s is looked up as %+v", c.Code, CodeOf(c.Code))
		}
	}
	for code := range found {
		if !seen[code] {
			t.Errorf("%s is not in the table", code)
		}
	}
	if CodeOf("http_403").Meaning == CodeOf("SOMETHING_ELSE").Meaning {
		t.Error("http_403 is taken for HPP's own")
	}
}

// eachFile parses the files of a folder, but for tests.
func eachFile(t *testing.T, folder string, do func(name string, file *ast.File)) {
	t.Helper()
	names, err := filepath.Glob(folder + "/*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(folder, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		do(name, file)
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// What README lists by status is what the table has.
func TestReadmeListsTheCodes(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| status | codes |\n")
	if !ok {
		t.Fatal("README has no table of codes")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	code := regexp.MustCompile("`([a-z_]+|[A-Z_]+)`")
	listed := map[Status][]string{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		status := Status(strings.Trim(cells[1], " `"))
		if !slices.Contains(Statuses(), status) {
			status = ""
		}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			listed[status] = append(listed[status], m[1])
		}
	}
	for _, status := range append(Statuses(), "") {
		var want []string
		for _, c := range Codes() {
			if c.Status == status || status == "" && c.Code == CodeUnusualPhone {
				want = append(want, c.Code)
			}
		}
		slices.Sort(want)
		slices.Sort(listed[status])
		if !slices.Equal(want, listed[status]) {
			t.Errorf("%q: README lists %v, want %v", status, listed[status], want)
		}
	}
}
