package pipeline

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports gives what each folder of the module imports outside of its tests, by its path in the module.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && e.Name() != ".."):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := strings.TrimPrefix(path.Dir(filepath.ToSlash(name)), "../")
		for _, imp := range file.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			out[folder] = append(out[folder], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLayout(t *testing.T) {
	may := map[string][]string{ // what each part may import of ours; a part includes the folders below it
		"..":                {"internal/cli"},
		"pipeline":          {"internal/contact"},
		"reader":            {"pipeline", "internal/contact"},
		"writer":            {"pipeline", "internal/contact", "internal/move", "internal/shown"},
		"internal/contact":  {},
		"internal/hpp":      {"pipeline", "internal/contact"},
		"internal/ledger":   {"pipeline", "internal/contact"},
		"internal/sandbox":  {"internal/contact"},
		"internal/move":     {},
		"internal/shown":    {},
		"internal/sign":     {"pipeline"},
		"internal/campaign": {"pipeline", "internal/contact", "reader", "writer", "internal/hpp", "internal/ledger", "internal/queue", "internal/move"},
		"internal/queue":    {"pipeline", "internal/ledger"},
		"internal/desk":     {"pipeline", "reader", "internal/contact", "internal/campaign", "internal/ledger"},
		"internal/web":      {"pipeline", "reader", "writer", "internal/contact", "internal/campaign", "internal/ledger", "internal/desk"},
		"internal/cli":      nil, // joins everything
		"internal/bench":    nil, // measures everything

		"internal/ledger/servertest": {}, // for tests
	}
	forTests := []string{"internal/bench", "internal/ledger/servertest"}
	within := func(pkg, part string) bool { return pkg == part || strings.HasPrefix(pkg, part+"/") }
	only := map[string]string{ // the parts that may import it
		"github.com/spf13/cobra": "internal/cli", "github.com/knadh/koanf": "internal/cli",
		"github.com/schollz/progressbar": "internal/cli", "golang.org/x/term": "internal/cli", "os/exec": "internal/cli",
		"github.com/hiddeco/sshsig": "internal/sign", "golang.org/x/crypto/ssh": "internal/sign",
		"github.com/jackc/pgx/v5": "internal/ledger internal/queue", "github.com/riverqueue/river": "internal/ledger internal/queue",
	}
	books := []string{"internal/ledger", "internal/desk", "internal/bench"} // these keep some, by SQL
	noNetwork := []string{"pipeline", "reader", "writer", "internal/contact", "internal/desk"}
	noHTTP := append(noNetwork, "internal/ledger") // whose server is a database

	found := imports(t)
	if len(found["pipeline"]) == 0 || len(found[".."]) == 0 {
		t.Fatalf("the module is not above this folder: found %d folders", len(found))
	}
	for folder, list := range found {
		part := ""
		for p := range may {
			if within(folder, p) && len(p) > len(part) {
				part = p
			}
		}
		if part == "" {
			t.Errorf("%s is no part of the layout", folder)
			continue
		}
		for _, imp := range list {
			if ours, ok := strings.CutPrefix(imp, "hppsend/"); ok && may[part] != nil && !within(ours, part) &&
				!slices.ContainsFunc(may[part], func(p string) bool { return within(ours, p) }) {
				t.Errorf("%s imports %s", folder, imp)
			}
			for lib, home := range only {
				if within(imp, lib) && !slices.Contains(strings.Fields(home), part) && !slices.Contains(forTests, part) {
					t.Errorf("%s imports %s, which is for %s", folder, imp, home)
				}
			}
			if (imp == "database/sql" || within(imp, "modernc.org/sqlite")) && !slices.Contains(books, part) {
				t.Errorf("%s imports %s", folder, imp)
			}
			if imp == "net" && slices.Contains(noNetwork, part) || within(imp, "net/http") && slices.Contains(noHTTP, part) {
				t.Errorf("%s imports %s", folder, imp)
			}
		}
	}
}

// constantsOf gives the names and string values of the constants of a type in this package.
func constantsOf(t *testing.T, typ string) (names, values []string) {
	t.Helper()
	eachDecl(t, func(d ast.Decl) {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			return
		}
		current := ""
		for _, s := range gen.Specs {
			spec := s.(*ast.ValueSpec)
			if id, ok := spec.Type.(*ast.Ident); ok {
				current = id.Name
			} else if len(spec.Values) > 0 {
				current = ""
			}
			if current != typ {
				continue
			}
			for i, n := range spec.Names {
				names = append(names, n.Name)
				if i < len(spec.Values) {
					if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						values = append(values, constant.StringVal(constant.MakeFromLiteral(lit.Value, lit.Kind, 0)))
					}
				}
			}
		}
	})
	return names, values
}

func eachDecl(t *testing.T, f func(ast.Decl)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f(d)
		}
	}
}

// casesOf gives the identifiers that the switches of a function name in their cases.
func casesOf(t *testing.T, function string) (names []string) {
	t.Helper()
	eachDecl(t, func(d ast.Decl) {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != function {
			return
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CaseClause); ok {
				for _, e := range clause.List {
					if id, ok := e.(*ast.Ident); ok {
						names = append(names, id.Name)
					}
				}
			}
			return true
		})
	})
	return names
}

func TestStatusesAreAllListed(t *testing.T) {
	names, values := constantsOf(t, "Status")
	var listed []string
	for _, s := range Statuses() {
		listed = append(listed, string(s))
	}
	slices.Sort(values)
	slices.Sort(listed)
	if len(names) == 0 || !slices.Equal(values, listed) {
		t.Errorf("the constants are %q, Statuses() gives %q", values, listed)
	}
}

func TestSwitchesAreExhaustive(t *testing.T) {
	tests := []struct {
		typ, function string
		beside        []string // handled by the default on purpose
	}{
		{"Status", "unclaimed", nil},
		{"Status", "count", nil},
		{"Verdict", "String", nil},
		{"Verdict", "after", nil},
		{"Verdict", "answered", nil},
		{"stage", "repeats", nil},
	}
	for _, test := range tests {
		names, _ := constantsOf(t, test.typ)
		cases := append(casesOf(t, test.function), test.beside...)
		if len(names) < 2 {
			t.Errorf("%s has the constants %q", test.typ, names)
		}
		for _, n := range names {
			if !slices.Contains(cases, n) {
				t.Errorf("%s does not name %s %s", test.function, test.typ, n)
			}
		}
	}
}

func TestVerdictsHaveNames(t *testing.T) {
	names, _ := constantsOf(t, "Verdict")
	seen := map[string]bool{}
	for v := Verdict(1); int(v) <= len(names); v++ {
		if s := v.String(); s == Verdict(0).String() || seen[s] {
			t.Errorf("verdict %d is called %q", v, s)
		}
		seen[v.String()] = true
	}
}
