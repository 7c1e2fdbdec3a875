package web_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hppsend/internal/desk"
)

// visit is how a route is asked for in these tests: what stands for the parts of its path in braces, and a form
// that would do something if it were let.
type visit struct {
	of   string // what {id} is the id of: an upload, a person, a session, a list
	form []string
}

// visits are all routes. A new one fails TestRoutesAreVisited until it is listed here, with what its {id} is of.
var visits = map[string]visit{
	"GET /static/{file}":       {},
	"GET /healthz":             {},
	"POST /language":           {form: []string{"language", "sv", "to", "/help"}},
	"GET /help":                {},
	"GET /sign-in":             {},
	"POST /sign-in":            {form: []string{"login", "nobody", "password", "wrong"}},
	"GET /sign-in/provider":    {},
	"GET /sign-in/return":      {},
	"GET /invitation/{token}":  {},
	"POST /invitation/{token}": {form: []string{"name", "Ivy", "password", "a few good words", "again", "a few good words"}},
	"POST /sign-out":           {},
	"GET /{$}":                 {},
	"POST /uploads":            {},
	"POST /sample":             {form: []string{"account", north}},
	"GET /sample.csv":          {},
	"GET /template.xlsx":       {},

	"GET /uploads/{id}":               {of: "upload"},
	"GET /uploads/{id}/reading":       {of: "upload"},
	"POST /uploads/{id}/reading":      {of: "upload", form: []string{"hidden", "skip", "method", "sms", "prefer", "sms", "label", "x"}},
	"GET /uploads/{id}/problems":      {of: "upload"},
	"POST /uploads/{id}/cells":        {of: "upload", form: []string{"table", "TABLE", "t.3.1.", "0701740606", "o.3.1.", "12345", "v.3.1.", "0"}},
	"POST /uploads/{id}/paste":        {of: "upload", form: []string{"table", "TABLE", "from", "3.1.", "block", "0701740606", "apply", "1", "edits", "0"}},
	"POST /uploads/{id}/undo":         {of: "upload", form: []string{"batch", "0"}},
	"GET /uploads/{id}/checked.csv":   {of: "upload"},
	"GET /uploads/{id}/checked.xlsx":  {of: "upload"},
	"GET /uploads/{id}/preview":       {of: "upload"},
	"POST /uploads/{id}/ask":          {of: "upload", form: []string{"digest", "DIGEST", "leave_out", "1", "left_out", "1", "when", "now"}},
	"GET /uploads/{id}/approval":      {of: "upload"},
	"POST /uploads/{id}/approve":      {of: "upload", form: []string{"digest", "DIGEST"}},
	"POST /uploads/{id}/send-back":    {of: "upload", form: []string{"reason", "because"}},
	"POST /uploads/{id}/withdraw":     {of: "upload"},
	"GET /uploads/{id}/progress":      {of: "upload"},
	"GET /uploads/{id}/progress.json": {of: "upload"},
	"GET /uploads/{id}/events":        {of: "upload"},
	"POST /uploads/{id}/stop":         {of: "upload"},
	"POST /uploads/{id}/go-on":        {of: "upload"},
	"POST /uploads/{id}/answer":       {of: "upload", form: []string{"go_on", "yes"}},
	"GET /uploads/{id}/rows":          {of: "upload"},
	"GET /uploads/{id}/report.csv":    {of: "upload"},
	"GET /uploads/{id}/report.xlsx":   {of: "upload"},
	"POST /uploads/{id}/settle":       {of: "upload", form: []string{"ticket", "1", "as", "delivered", "reason", "because"}},
	"POST /uploads/{id}/reopen":       {of: "upload"},
	"POST /uploads/{id}/delete":       {of: "upload"},
	"GET /uploads/{id}/audit":         {of: "upload"},

	"GET /lists":                   {},
	"POST /lists":                  {},
	"POST /lists/{id}/remove":      {of: "list"},
	"GET /audit":                   {},
	"GET /people":                  {},
	"POST /people":                 {form: []string{"login", "new", "name", "New", "account", north, "role", "viewer"}},
	"POST /people/{id}/roles":      {of: "person", form: []string{"account", north, "role", "viewer"}},
	"POST /people/{id}/invitation": {of: "person"},
	"POST /people/{id}/disable":    {of: "person", form: []string{"disabled", "true"}},
	"GET /me":                      {},
	"POST /me/sessions/{id}":       {of: "session"},
}

// TestRoutesAreVisited holds the list to the server's own.
func TestRoutesAreVisited(t *testing.T) {
	t.Parallel()
	routes := newHouse(t).server.Routes()
	for _, pattern := range slices.Sorted(maps.Keys(routes)) {
		v, ok := visits[pattern]
		if !ok {
			t.Errorf("%s is visited by no test: list it in visits", pattern)
		}
		if strings.Contains(pattern, "{id}") != (v.of != "") {
			t.Errorf("%s: what its id is of is not said", pattern)
		}
		if method, _, _ := strings.Cut(pattern, " "); method != "GET" && method != "POST" {
			t.Errorf("%s: a form cannot ask so", pattern)
		}
	}
	for pattern := range visits {
		if _, ok := routes[pattern]; !ok {
			t.Errorf("%s is no route", pattern)
		}
	}
}

// ids are what stands for the parts of paths.
type ids struct{ upload, person, session, list, token, digest, table string }

// path is that of a route.
func (i ids) path(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	id := map[string]string{"upload": i.upload, "person": i.person, "session": i.session, "list": i.list}[visits[pattern].of]
	return strings.NewReplacer("{id}", id, "{token}", i.token, "{file}", "nothing.css", "{$}", "").Replace(path)
}

// visit asks for a route as a page of ours would.
func (c *client) visit(pattern string, i ids) *page {
	c.t.Helper()
	if strings.HasPrefix(pattern, "GET ") {
		return c.get(i.path(pattern))
	}
	if pattern == "POST /uploads" || pattern == "POST /lists" {
		body, kind := multipartBody([]field{{name: "account", value: north}, {name: "file", value: "x.csv", file: []byte("session_id,phone\n" + session(9) + ",+46701740699\n")}})
		req := c.request(http.MethodPost, i.path(pattern), body)
		req.Header.Set("Content-Type", kind)
		return c.do(req)
	}
	form := slices.Clone(visits[pattern].form)
	for j, value := range form {
		form[j] = strings.NewReplacer("DIGEST", i.digest, "TABLE", i.table).Replace(value)
	}
	return c.post(i.path(pattern), form...)
}

// patterns are those of all routes of a method, in order; of all with "".
func patterns(method string) (all []string) {
	for _, pattern := range slices.Sorted(maps.Keys(visits)) {
		if strings.HasPrefix(pattern, method) {
			all = append(all, pattern)
		}
	}
	return all
}

// two is a file with one row that can be sent, and one that cannot.
var two = "session_id,phone,name\n" + session(1) + ",+46701740605,Anna\n" + session(2) + ",12345,Bo\n"

// furnished brings an upload that waits for nothing, and gives the ids of what there is: the upload, another person
// of the house, a session of who brought it in another browser, and an invitation.
func furnished(t *testing.T, by *client) ids {
	t.Helper()
	h := by.h
	id, _ := by.bring("two.csv", two)
	digest, _ := by.get("/uploads/" + id + "/preview").doc.Find("input[name=digest]").Attr("value")
	table := by.table(id)
	other := h.person("Otto", desk.Viewer)
	_, token, err := h.desk.Invite(t.Context(), "ivy", "Ivy")
	h.must(err)
	h.secret(token)
	list := by.listed("listed.txt", "somebody@example.com\n")
	elsewhere := by.another().get("/me").doc.Find("tr:has(.tag) form").AttrOr("action", "")
	return ids{upload: id, person: other.id, list: list, session: strings.TrimPrefix(elsewhere, "/me/sessions/"), token: token, digest: digest, table: table}
}

// dump is all that the books of the page hold, and its files. The audit trail is left out of it where only looking
// is allowed, since that is taken down.
func (h *house) dump(without ...string) map[string]string {
	h.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "page", "page.db")+"?_pragma=busy_timeout(10000)")
	h.must(err)
	defer db.Close()
	all := map[string]string{}
	for _, table := range h.column(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'") {
		if slices.Contains(without, table[0]) {
			continue
		}
		for _, row := range h.column(db, "SELECT * FROM "+table[0]) {
			all[table[0]] += strings.Join(row, "|") + "\n"
		}
	}
	files, err := os.ReadDir(filepath.Join(h.dir, "page", "files"))
	h.must(err)
	all["files"] = fmt.Sprint(files)
	return all
}

// column gives the rows of a query as text.
func (h *house) column(db *sql.DB, query string) (all [][]string) {
	h.t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	h.must(err)
	defer rows.Close()
	names, err := rows.Columns()
	h.must(err)
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		h.must(rows.Scan(into...))
		var row []string
		for _, v := range values {
			row = append(row, fmt.Sprintf("%x", v))
			if text, ok := v.(string); ok {
				row[len(row)-1] = text
			}
		}
		all = append(all, row)
	}
	h.must(rows.Err())
	return all
}
