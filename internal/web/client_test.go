package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// client is a browser without scripts. It keeps cookies, and follows nothing by itself.
type client struct {
	h    *house
	t    *testing.T
	http *http.Client
	id   string      // of the person who is signed in
	with http.Header // of every request
	host string      // what it calls the server; empty for its address
}

func newClient(h *house, jar *cookiejar.Jar) *client {
	transport := &http.Transport{DisableCompression: true}
	if h.certs != nil {
		transport.TLSClientConfig = h.certs.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		transport.ForceAttemptHTTP2 = true
	}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &client{h: h, t: h.t, with: http.Header{}, http: &http.Client{
		Transport: transport, Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) setCookie(name, value string) {
	c.http.Jar.SetCookies(c.h.url, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: c.h.url.Scheme == "https"}})
}

// cookie is the value of a cookie; empty when there is none.
func (c *client) cookie(name string) string {
	for _, one := range c.http.Jar.Cookies(c.h.url) {
		if one.Name == name {
			return one.Value
		}
	}
	return ""
}

// session is the token by which the person is signed in.
func (c *client) session() string { return c.cookie(c.h.server.CookieName()) }

// another is a further browser of the person.
func (c *client) another() *client { return c.h.signedIn(c.id) }

// request makes one to the page.
func (c *client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.h.url.String()+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range c.with {
		req.Header[name] = values
	}
	if req.Host = c.host; c.host != "" { // the jar has nothing for it
		req.AddCookie(&http.Cookie{Name: c.h.server.CookieName(), Value: c.session()})
	}
	return req
}

// do sends a request, and holds the answer to what holds for all of them.
func (c *client) do(req *http.Request) *page {
	c.t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	p := &page{t: c.t, c: c, asked: req.URL, method: req.Method, status: res.StatusCode, header: res.Header, body: string(body)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && res.Header.Get("Location") == "" && len(body) > 0 {
		if p.doc, err = goquery.NewDocumentFromReader(bytes.NewReader(body)); err != nil {
			c.t.Fatal(err)
		}
	}
	p.holds()
	return p
}

func (c *client) get(path string) *page {
	c.t.Helper()
	return c.do(c.request(http.MethodGet, path, nil))
}

// post sends a form with some fields and values, by turns, as a page of ours would.
func (c *client) post(path string, fields ...string) *page {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req := c.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

// bring uploads a file by the form of the first page, and gives the id of the upload and the page it leads to.
func (c *client) bring(name, text string) (id string, p *page) {
	c.t.Helper()
	p = c.get("/").is(200).form("form[action='/uploads']").file("file", name, text).submit("").is(303)
	p = p.follow()
	return p.upload(), p
}

// sendList sends the form of a suppression list, of some fields.
func (c *client) sendList(fields ...field) *page {
	c.t.Helper()
	body, kind := multipartBody(fields)
	req := c.request(http.MethodPost, "/lists", body)
	req.Header.Set("Content-Type", kind)
	return c.do(req)
}

// listed brings a suppression list for the north, and gives its id.
func (c *client) listed(name, text string) (id string) {
	c.t.Helper()
	c.sendList(field{name: "account", value: north}, field{name: "file", value: name, file: []byte(text)}).is(303)
	at := c.get("/lists").doc.Find("tr:contains('"+name+"') form").AttrOr("action", "")
	return strings.TrimSuffix(strings.TrimPrefix(at, "/lists/"), "/remove")
}

// table says how an upload is cut into cells, as its page of problems does.
func (c *client) table(id string) string {
	c.t.Helper()
	return c.get("/uploads/" + id + "/problems").form("form[data-cells]").value("table")
}

// put uploads a file as the form of the first page does, and gives the path of the upload.
func (c *client) put(name, text string) (path string) {
	c.t.Helper()
	body, kind := multipartBody([]field{{name: "account", value: north}, {name: "file", value: name, file: []byte(text)}})
	req := c.request(http.MethodPost, "/uploads", body)
	req.Header.Set("Content-Type", kind)
	path, _, _ = strings.Cut(c.do(req).is(303).location(), "?")
	return path
}

// multipartBody is a form with files, in order.
func multipartBody(fields []field) (body *bytes.Buffer, kind string) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, f := range fields {
		if f.file == nil {
			w.WriteField(f.name, f.value)
			continue
		}
		part, err := w.CreateFormFile(f.name, f.value)
		if err == nil {
			part.Write(f.file)
		}
	}
	w.Close()
	return body, w.FormDataContentType()
}

// page is an answer.
type page struct {
	t      *testing.T
	c      *client
	method string
	asked  *url.URL
	status int
	header http.Header
	body   string
	doc    *goquery.Document // nil where it is no page
}

// is fails the test when the status is another.
func (p *page) is(status int) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s %s: status %d, want %d: %s", p.method, p.asked.Path, p.status, status, p.gist())
	}
	return p
}

// follow goes where the answers lead, as a browser does.
func (p *page) follow() *page {
	p.t.Helper()
	for range 10 {
		if p.status != http.StatusSeeOther && p.status != http.StatusTemporaryRedirect {
			return p
		}
		p = p.c.get(p.location())
	}
	p.t.Fatalf("%s: too many redirects", p.asked.Path)
	return nil
}

// location is where the answer leads.
func (p *page) location() string {
	p.t.Helper()
	to := p.header.Get("Location")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		p.t.Fatalf("%s leads to %q", p.asked.Path, to)
	}
	return to
}

// upload is the id of the upload that the page is of.
func (p *page) upload() string {
	p.t.Helper()
	parts := strings.Split(p.asked.Path, "/")
	if len(parts) < 3 || parts[1] != "uploads" {
		p.t.Fatalf("%s is of no upload", p.asked.Path)
	}
	return parts[2]
}

// step is the last part of the path.
func (p *page) step() string { return p.asked.Path[strings.LastIndex(p.asked.Path, "/")+1:] }

// text is what is to be read on the page, its spaces folded.
func (p *page) text() string {
	if p.doc == nil {
		return p.body
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && !slices.Contains([]string{"strong", "s", "span", "code", "a"}, n.Data) {
			b.WriteString(" ")
		}
	}
	walk(p.doc.Find("body").Nodes[0])
	return strings.Join(strings.Fields(b.String()), " ")
}

// gist is the beginning of what the page says, for a test that fails.
func (p *page) gist() string {
	text := []rune(p.text())
	return string(text[:min(len(text), 700)])
}

// says fails the test when a text is not on the page.
func (p *page) says(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			p.t.Errorf("%s does not say %q: %s", p.asked.Path, text, p.gist())
		}
	}
	return p
}

// hides fails the test when a text is anywhere in the answer.
func (p *page) hides(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Errorf("%s %s holds %q", p.method, p.asked.Path, text)
		}
	}
	return p
}

// at fails the test when the page is that of another step.
func (p *page) at(step string) *page {
	p.t.Helper()
	if p.status != 200 || p.step() != step {
		p.t.Fatalf("at %s (%d), want %s: %s", p.asked.Path, p.status, step, p.gist())
	}
	return p
}

// click follows a link by its text.
func (p *page) click(text string) *page {
	p.t.Helper()
	link := p.doc.Find("a").FilterFunction(func(_ int, a *goquery.Selection) bool { return strings.Contains(a.Text(), text) }).First()
	href, ok := link.Attr("href")
	if !ok {
		p.t.Fatalf("%s has no link %q", p.asked.Path, text)
	}
	to, err := p.asked.Parse(href)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.c.get(to.RequestURI())
}
