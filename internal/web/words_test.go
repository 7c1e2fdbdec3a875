package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"

	"hppsend/pipeline"
)

// uncounted are texts that begin with a number and need no form for one: it names a row or a page, is never one,
// or has no noun beside it.
var uncounted = []string{
	"Row %d", "Row %d: meanwhile %s typed \"%s\", and you typed \"%s\".", "Page %d of %d", "And %d more.",
	"(%d are needed)", "The last %d entries; hppsend audit export writes all.",
	"Save this for %d more like it", "%d to begin with, then somebody is asked",
}

// unwritten are the places where what is said is not written beside T: in Go by function, in templates by argument.
// What comes there is a closed list that said knows, or a refusal.
var unwritten = []string{"Meaning", "Todo", "sentence", ".Notice", ".WhyNot", "(index"}

var (
	written = regexp.MustCompile(`\.T\s+("(?:[^"\\]|\\.)*")`)
	spoken  = regexp.MustCompile(`\.T\s+([^"\s})]+)`)
	verb    = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0-9.]*([a-zA-Z%])`)
)

// said are all texts that the page may say, each with a place that says it.
func said(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, d := range (readingView{}).Delimiters() {
		all[d[1]] = "Delimiters"
	}
	for _, c := range append(pipeline.Codes(), pipeline.CodeOf("A_CODE_OF_HPP")) {
		all[c.Meaning], all[c.Todo] = "a code", "a code"
	}
	templates, err := fs.Glob(files, "templates/*.html")
	if err != nil || len(templates) == 0 {
		t.Fatalf("%d templates: %v", len(templates), err)
	}
	for _, name := range templates {
		b, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written.FindAllStringSubmatch(string(b), -1) {
			text, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s: %s: %v", name, m[1], err)
			}
			all[text] = name
		}
		for _, m := range spoken.FindAllStringSubmatch(string(b), -1) {
			if !slices.Contains(unwritten, m[1]) {
				t.Errorf("%s says %s, which no catalogue can be checked for", name, m[1])
			}
		}
	}
	for _, pattern := range []string{"*.go", "../desk/*.go", "../cli/serve*.go"} {
		sources, err := filepath.Glob(pattern)
		if err != nil || len(sources) == 0 {
			t.Fatalf("%d sources %s: %v", len(sources), pattern, err)
		}
		for _, name := range sources {
			if !strings.HasSuffix(name, "_test.go") {
				saidIn(t, name, all)
			}
		}
	}
	delete(all, "")
	return all
}

// telling are the functions that return what is said in the places of unwritten.
var telling = []string{"noticeFor", "MayApprove"}

// saidIn adds what a source says by T, in refusals, and by telling. A refusal that is put together stays English.
func saidIn(t *testing.T, name string, all map[string]string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	function := ""
	add := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return false
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		all[text] = name
		return true
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			function = n.Name.Name
		case *ast.CallExpr:
			switch fun := n.Fun.(type) {
			case *ast.SelectorExpr:
				if fun.Sel.Name == "T" && len(n.Args) > 0 && !add(n.Args[0]) && !slices.Contains(unwritten, function) {
					t.Errorf("%s: %s says what no catalogue can be checked for", name, function)
				}
			case *ast.Ident:
				if fun.Name == "refuse" {
					for _, arg := range n.Args {
						add(arg)
					}
				}
			}
		case *ast.CompositeLit:
			if !isRefusal(n.Type) {
				break
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Problem" || key.Name == "Todo") {
						add(kv.Value)
					}
				}
			}
		case *ast.ReturnStmt:
			if slices.Contains(telling, function) {
				for _, result := range n.Results {
					add(result)
				}
			}
		}
		return true
	})
}

func isRefusal(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Refusal"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Refusal"
	}
	return false
}

// verbs gives the arguments that a text takes, in their order, each with its verb.
func verbs(text string) (all []string) {
	next := 1
	for _, m := range verb.FindAllStringSubmatch(text, -1) {
		if m[2] == "%" {
			all = append(all, "%")
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		all = append(all, strconv.Itoa(next)+m[2])
		next++
	}
	slices.Sort(all)
	return all
}

// counts reports whether the first argument of a text is a number with a noun beside it.
func counts(text string) bool {
	return slices.Contains(verbs(text), "1d") && !slices.Contains(uncounted, text)
}

func catalogue(t *testing.T, tag language.Tag) map[string]phrase {
	t.Helper()
	all, err := readWords(tag)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWordsAreComplete(t *testing.T) {
	all := said(t)
	for _, text := range uncounted {
		if all[text] == "" {
			t.Errorf("%q is said to need no form for one, and is said nowhere", text)
		}
	}
	for _, tag := range languages {
		have := catalogue(t, tag)
		for text, place := range all {
			if _, ok := have[text]; !ok && (tag != language.English || counts(text)) {
				t.Errorf("%s lacks %q, which %s says", tag, text, place)
			}
		}
		for text := range have {
			if all[text] == "" {
				t.Errorf("%s has %q, which is said nowhere", tag, text)
			}
		}
	}
}

func TestWordsTakeTheSameArguments(t *testing.T) {
	for _, tag := range languages {
		for text, p := range catalogue(t, tag) {
			want := verbs(text)
			for form, translated := range p {
				got := verbs(translated)
				if form == "one" && !slices.Contains(got, "1d") { // it may say "this row" for "1 row"
					got = slices.Sorted(slices.Values(append(got, "1d")))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %q, %s: %q (-want +got)\n%s", tag, text, form, translated, diff)
				}
			}
		}
	}
}

func TestWordsHaveTheirForms(t *testing.T) {
	for _, tag := range languages {
		for text, p := range catalogue(t, tag) {
			_, one := p["one"]
			switch {
			case strings.TrimSpace(p["other"]) == "" || one != (len(p) == 2) || one && strings.TrimSpace(p["one"]) == "":
				t.Errorf("%s, %q: the forms are %q", tag, text, p)
			case one != counts(text):
				t.Errorf("%s, %q: a form for one is there: %t, and needed: %t", tag, text, one, counts(text))
			case tag == language.English && (p["other"] != text || p["one"] == text):
				t.Errorf("%s, %q: only one may differ in English, and has to: %q", tag, text, p)
			}
		}
	}
}

func TestWordsAreSpoken(t *testing.T) {
	w, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	first := "The first %d messages were accepted. See that they arrived as they should: may the rest follow?"
	tests := []struct {
		lang, text string
		args       []any
		want       string
	}{
		{"en", "Fix %d phone numbers", []any{1}, "Fix 1 phone number"},
		{"en", "Fix %d phone numbers", []any{2}, "Fix 2 phone numbers"},
		{"en", "Fix %d phone numbers", []any{0}, "Fix 0 phone numbers"},
		{"en", "Fix %d phone numbers", []any{12345}, "Fix 12,345 phone numbers"},
		{"en", "%d rows have problems", []any{1}, "1 row has problems"},
		{"en", "Leave these %d rows out", []any{1}, "Leave this row out"},
		{"en", first, []any{1}, "The first message was accepted. See that it arrived as it should: may the rest follow?"},
		{"sv", "Fix %d phone numbers", []any{1}, "Rätta 1 telefonnummer"},
		{"sv", "Fix %d phone numbers", []any{2}, "Rätta 2 telefonnummer"},
		{"sv", "%d rows have problems", []any{1}, "1 rad har problem"},
		{"sv", "%d rows have problems", []any{12345}, "12\u00a0345 rader har problem"},
		{"sv", "Page %d of %d", []any{1, 2}, "Sida 1 av 2"},
		{"de", "Fix %d phone numbers", []any{1}, "1 Telefonnummer korrigieren"},
		{"de", "Fix %d phone numbers", []any{2}, "2 Telefonnummern korrigieren"},
		{"de", "Fix %d phone numbers", []any{12345}, "12.345 Telefonnummern korrigieren"},
		{"de", "%s: %d %% done", []any{"Gestoppt", 40}, "Gestoppt: 40 % erledigt"},
		{"fi", "Saved.", nil, "Saved."},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", tt.lang)
		if got := w.speaker(r).T(tt.text, tt.args...); got != tt.want {
			t.Errorf("%s, %q of %v: %q, want %q", tt.lang, tt.text, tt.args, got, tt.want)
		}
	}
}

func TestWordsGroupNumbers(t *testing.T) {
	w, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"en": "1,234,567", "sv": "1\u00a0234\u00a0567", "de": "1.234.567"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", lang)
		if got := w.speaker(r).N(1234567); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}
