package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"hppsend/internal/contact"
	"hppsend/internal/desk"
)

//go:embed templates static words
var files embed.FS

// assets are the static files, under names that change with what they hold.
type assets struct {
	named map[string]string // by the plain name
	files map[string][]byte // by the name with its checksum
}

func loadAssets() (a assets, err error) {
	a = assets{map[string]string{}, map[string][]byte{}}
	return a, fs.WalkDir(files, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		base := path.Base(name)
		dot := strings.LastIndex(base, ".")
		full := base[:dot] + "." + hex.EncodeToString(sum[:6]) + base[dot:]
		a.named[base], a.files[full] = "/static/"+full, b
		return nil
	})
}

// static serves a file that never changes under its name.
func (c *call) static() error {
	name := c.r.PathValue("file")
	b, ok := c.assets.files[name]
	if !ok {
		return errNoPage
	}
	c.w.Header().Set("Content-Type", map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)])
	c.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err := c.w.Write(b)
	return err
}

// pages are the templates by name.
type pages map[string]*template.Template

// loadPages parses each page with the layout and the parts that all share.
func loadPages(a assets) (pages, error) {
	all := pages{}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "parts" {
			continue
		}
		t := template.New("layout.html").Funcs(template.FuncMap{
			"asset": func(name string) (string, error) {
				if a.named[name] == "" {
					return "", fmt.Errorf("there is no static file %s", name)
				}
				return a.named[name], nil
			},
			"bytes": desk.Bytes,
			"part":  part,
		})
		if all[base], err = t.ParseFS(files, "templates/layout.html", "templates/parts.html", name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// part gives a part the page that it is in, and values by their names.
func part(page any, pairs ...any) (map[string]any, error) {
	m := map[string]any{"Page": page}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// view is what every page has; the view of a page embeds it.
type view struct {
	speaker
	Title    string
	Seat     *desk.Seat
	Local    bool
	Notice   string
	Said     string
	Mistakes []mistake
	Path     string
	Version  string
	Refresh  int // seconds after which a browser without scripts asks again; 0: never
}

func (c *call) view(title string) view {
	return view{
		speaker: c.say, Title: title, Seat: c.seat, Local: c.Local, Notice: c.Notice, Version: c.Version,
		Said: c.word(c.r.URL.Query().Get("said")), Path: c.path(),
	}
}

// path is that of the page; of one that answers a form, that of a page to come back to.
func (c *call) path() string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	id, _, _ := strings.Cut(rest, "/")
	switch {
	case c.r.Method != http.MethodPost, first == "sign-in", first == "invitation":
		return c.r.URL.Path
	case first == "uploads" && id != "":
		return "/uploads/" + id
	case first == "people", first == "lists":
		return "/" + first
	}
	return "/"
}

// Wrong gives what is wrong with a field of the form; empty when nothing is.
func (v view) Wrong(field string) string {
	for _, m := range v.Mistakes {
		if m.Field == field {
			return m.Text
		}
	}
	return ""
}

// render shows a page, whole or not at all.
func (c *call) render(page string, code int, v any) error {
	var b bytes.Buffer
	if err := c.pages[page].Execute(&b, v); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(code)
	c.w.Write(b.Bytes()) // who asked may be gone
	return nil
}

// shown renders a page that tells of an error of its form, if there was one.
func (c *call) shown(page string, v any, err error) error {
	code := http.StatusOK
	if err != nil {
		code = status(err)
	}
	return c.render(page, code, v)
}

func query(name, value string) string { return url.Values{name: {value}}.Encode() }

// masked is an error for the log.
func masked(err error) string { return contact.MaskAll(err.Error()) }

func panicText(p any) string { return contact.MaskAll(fmt.Sprintf("%T", p)) }
