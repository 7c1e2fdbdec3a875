package cli_test

import (
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hppsend/internal/sandbox"
)

// TestLinesFollowTheSchema validates every line that the commands write for machines, and sees that
// the schema names every field.
func TestLinesFollowTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(root + "/writer/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 700)
	p.contacts("june.csv", 1000, 3)
	p.contacts("july.csv", 2000, 3)
	p.write("bad.csv", [][]string{{"name", "fax"}, {"Ann", "1"}})
	p.write("mixed.csv", [][]string{
		{"session_id", "phone"},
		{"00000404-0000-4000-8000-000000000001", "+46701740605"},
		{"00000504-0000-4000-8000-000000000002", "+46701740606"},
		{"c0000000-0000-4000-8000-000000000003", "call me"},
	})
	ok(t, os.WriteFile(p.path("rules.yaml"), []byte("limit: 1\n"), 0o600))
	seen, described := map[string]bool{}, map[string]bool{}
	for _, args := range [][]string{
		{"check", "--json", "mixed.csv"},
		{"run", "--json", "--endpoint", p.url, "--rate", "50/s", "may.csv", "june.csv"}, // long enough for a line of progress
		{"run", "--json", "--endpoint", p.url, "--limit", "1", "mixed.csv"},
		{"run", "--json", "--endpoint", p.url, "--skip-bad-files", "bad.csv", "mixed.csv"},
		{"check", "--json", "--endpoint", p.url, "--plan", "plan.json", "july.csv"},
		{"run", "--json", "--endpoint", p.url, "--plan", "plan.json", "july.csv"},
		{"report", "--json", "--endpoint", p.url, "mixed.csv"},
		{"runs", "--json", "--endpoint", p.url},
		{"find", "--json", "--environment", "sandbox", "+46701740605"},
		{"forget", "--json", "--environment", "sandbox", "--yes", "+46701740605"},
		{"find", "--json", "--environment", "sandbox", "+46701740605"},
		{"find", "--json", "--environment", "sandbox", sessionID(0)},
		{"track", "--json", "--endpoint", p.url, "--since", "1h"},
		{"run", "--json", "nowhere.csv"},
		{"config", "show", "--json", "--config", "rules.yaml"},
		{"run", "--json", "--endpoint", p.url, "--config", "rules.yaml", "--limit", "0", "--override", "limit", "--reason", "it is little", "mixed.csv"},
		{"runs", "--json", "--endpoint", p.url},
	} {
		c := p.hppsend(args...)
		out, _ := c.Output()
		for text := range strings.Lines(string(out)) {
			line, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatalf("%s: %v\n%s", args[0], err, text)
			}
			if err := schema.Validate(line); err != nil {
				t.Fatalf("%s: %v\n%s", args[0], err, text)
			}
			fields := line.(map[string]any)
			kind := fields["type"].(string)
			seen[kind] = true
			if fields["approval"] != nil {
				seen["approval of a "+kind] = true
			}
			for _, one := range schema.OneOf {
				if one.Ref.Properties["type"].Const != nil && *one.Ref.Properties["type"].Const == kind {
					for name := range fields {
						described[name] = true
						if one.Ref.Properties[name] == nil {
							t.Errorf("the schema does not describe %s of %s", name, kind)
						}
					}
				}
			}
		}
	}
	for _, kind := range []string{"notice", "row", "progress", "summary", "run", "setting", "distribution", "contact", "forget", "error", "approval of a summary", "approval of a run"} {
		if !seen[kind] {
			t.Errorf("no line of type %s was written", kind)
		}
	}
	for _, field := range []string{"holds", "overrides"} {
		if !described[field] {
			t.Errorf("no line had %s", field)
		}
	}
}
