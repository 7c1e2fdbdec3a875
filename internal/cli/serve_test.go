package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// served is a page that was started, and a browser of one person.
type served struct {
	*place
	cmd  *exec.Cmd
	addr string
	link string // that was printed
	http http.Client
}

// serve starts the page, and waits until it says where it is.
func (p *place) serve(addr string, args ...string) *served {
	p.t.Helper()
	s := &served{place: p, addr: addr, cmd: p.hppsend(append([]string{"serve", "--endpoint", p.url, "--addr", addr}, args...)...)}
	s.cmd.Stderr = &bytes.Buffer{}
	out, err := s.cmd.StdoutPipe()
	ok(p.t, err)
	ok(p.t, s.cmd.Start())
	p.t.Cleanup(func() { s.kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.t.Fatalf("it said nothing: %v\n%s", err, s.cmd.Stderr)
	}
	s.link = strings.TrimSpace(line)
	s.http.Jar, err = cookiejar.New(nil)
	ok(p.t, err)
	return s
}

// kill ends the page without a warning.
func (s *served) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// get asks for a page, and gives it and where it was in the end.
func (s *served) get(path string) (body, at string) {
	s.t.Helper()
	return s.answer(s.http.Get("http://" + s.addr + path))
}

func (s *served) post(path string, form url.Values) (body, at string) {
	s.t.Helper()
	return s.answer(s.http.PostForm("http://"+s.addr+path, form))
}

func (s *served) answer(res *http.Response, err error) (body, at string) {
	s.t.Helper()
	ok(s.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(s.t, err)
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s\n%s\n%s", res.Request.URL, res.Status, b, s.cmd.Stderr)
	}
	return string(b), res.Request.URL.Path
}

// signIn opens the link that was printed.
func (s *served) signIn() {
	s.t.Helper()
	s.post(strings.TrimPrefix(s.link, "http://"+s.addr), nil)
}

// upload brings a file, and gives the path of its pages.
func (s *served) upload(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	ok(s.t, err)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", name)
	ok(s.t, err)
	file.Write(text)
	ok(s.t, form.Close())
	_, at := s.answer(s.http.Post("http://"+s.addr+"/uploads", form.FormDataContentType(), &body))
	path := regexp.MustCompile(`^/uploads/\w+`).FindString(at)
	if path == "" {
		s.t.Fatalf("the file went to %s", at)
	}
	return path
}

var digestField = regexp.MustCompile(`name="digest" value="(\w+)"`)

// send asks for what the preview shows, as who may approve it, too.
func (s *served) send(upload string) {
	s.t.Helper()
	preview, _ := s.get(upload + "/preview")
	m := digestField.FindStringSubmatch(preview)
	if m == nil {
		s.t.Fatalf("the preview has nothing to approve\n%s", preview)
	}
	s.post(upload+"/ask", url.Values{"digest": {m[1]}, "when": {"now"}, "send": {"1"}})
}

// state asks how an upload stands.
func (s *served) state(upload string) string {
	s.t.Helper()
	body, _ := s.get(upload + "/progress.json")
	var now struct{ State string }
	ok(s.t, json.Unmarshal([]byte(body), &now))
	return now.State
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	return l.Addr().String()
}

// TestServe brings a file by the page and sends it; the command line knows the run.
func TestServe(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 30)
	s := p.serve(freeAddress(t))
	if body, _ := s.get(strings.TrimPrefix(s.link, "http://"+s.addr)); strings.Contains(body, "Bring a spreadsheet") {
		t.Error("the link signs in by being looked at")
	}
	s.signIn()
	upload := s.upload("may.csv")
	s.send(upload)
	state := s.state(upload)
	for ; state == "running" || state == "approved"; state = s.state(upload) {
		time.Sleep(10 * time.Millisecond)
	}
	if state != "done" || p.once() != 30 {
		t.Errorf("it is %s, and %d were accepted", state, p.once())
	}
	ok(t, s.cmd.Process.Signal(os.Interrupt))
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("stopped by Ctrl-C it ends with %v\n%s", err, s.cmd.Stderr)
	}
	if out := p.must(0, p.hppsend("runs", "--endpoint", p.url)); !strings.Contains(out, "30 delivered") {
		t.Errorf("runs says\n%s", out)
	}
	p.must(0, p.hppsend("report", "--endpoint", p.url, "may.csv")) // nothing was typed: the bytes are the content
	p.must(0, p.run("may.csv"))
	if p.once() != 30 {
		t.Error("the command line sent it again")
	}
	p.must(0, p.hppsend("audit", "verify", "--endpoint", p.url))
	if csv := p.must(0, p.hppsend("audit", "export", "--endpoint", p.url)); !strings.Contains(csv, ",approve,") || strings.Contains(csv, "may.csv") {
		t.Errorf("the audit trail is\n%s", csv)
	}
}

// TestServeKilled kills the page at any moment from the approval on. It goes on at the next start, and nobody is
// messaged twice.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	const rows, kills = 150, 6
	p := newPlace(t, sandbox.Config{Latency: 2 * time.Millisecond})
	p.contacts("may.csv", 0, rows)
	args := []string{"--rate", "150/s", "--concurrency", "8"}
	addr := freeAddress(t)
	s := p.serve(addr, args...)
	s.signIn()
	upload := s.upload("may.csv")
	s.send(upload)
	for range kills {
		time.Sleep(rand.N(150 * time.Millisecond))
		s.kill()
		s = p.serve(addr, args...)
	}
	s.signIn()
	for s.state(upload) != "done" {
		if state := s.state(upload); state != "approved" && state != "running" && state != "done" {
			t.Fatalf("after a kill it is %s\n%s", state, s.cmd.Stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
	body, _ := s.get(upload + "/rows")
	uncertain := 0
	if m := regexp.MustCompile(`status=uncertain"[^>]*>uncertain <strong>(\d+)`).FindStringSubmatch(body); m != nil {
		fmt.Sscan(m[1], &uncertain)
	}
	accepted := p.once()
	if calls := p.box.Stats().Calls; calls > rows || accepted+uncertain < rows || accepted > rows {
		t.Errorf("%d calls, %d accepted, %d uncertain, of %d rows", calls, accepted, uncertain, rows)
	}
	t.Logf("%d accepted, %d uncertain", accepted, uncertain)
}

// TestServeRefuses has what would put contacts or passwords before strangers, or cannot be meant.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	ok(t, os.WriteFile(p.path("accounts.yaml"), []byte("profiles:\n  shop:\n    environment: sandbox\n"), 0o600))
	tests := []struct {
		args string
		want string
	}{
		{"", "no environment is named"},
		{"--environment production", "the credentials are missing"},
		{"--environment sandbox --addr 0.0.0.0:0", "can be reached from other machines"},
		{"--environment sandbox --addr 0.0.0.0:0 --behind-proxy 10.0.0.0/8", "by which address people reach the page"},
		{"--environment sandbox --addr 0.0.0.0:0 --behind-proxy 10.0.0.0/8 --public-url http://links.example.com", "passwords would go in clear"},
		{"--environment sandbox --behind-proxy 10.0.0.0/8", "by which address people reach the page"},
		{"--environment sandbox --behind-proxy ten", "is no network"},
		{"--environment sandbox --public-url links.example.com", "is no address of a page"},
		{"--environment sandbox --public-url https://links.example.com/a", "is no address of a page"},
		{"--environment sandbox --tls-cert accounts.yaml", "go together"},
		{"--environment sandbox --tls-cert accounts.yaml --tls-key accounts.yaml", "name two PEM files"},
		{"--environment sandbox --addr nowhere", "is no address"},
		{"--environment sandbox --approvers some", "it is a number of people"},
		{"--environment sandbox --max-upload 3", "a size is written like 300MB"},
		{"--environment sandbox --account shop", "no configuration file"},
		{"--config accounts.yaml --account other", `no profile "other"`},
		{"--environment sandbox --oidc-client x", "an identity provider is described, and not named"},
		{"--environment sandbox --oidc-issuer https://127.0.0.1:1", "needs a URL, --oidc-client and --oidc-secret-file"},
		{"--environment sandbox --oidc-issuer https://127.0.0.1:1 --oidc-client x --oidc-secret-file accounts.yaml", "can be reached from here"},
		{"--environment sandbox --oidc-issuer https://127.0.0.1:1 --oidc-client x --oidc-secret-file accounts.yaml --oidc-role a=b:king", "is not GROUP=ACCOUNT:ROLE"},
		{"user add bo@example.com --state none", "there is no page in"},
		{"user role bo@example.com --state .", "it is not said on which account"},
		{"user disable bo@example.com --state .", "there is no person"},
	}
	for _, test := range tests {
		if out := p.must(2, p.hppsend(append([]string{"serve"}, strings.Fields(test.args)...)...)); !strings.Contains(out, test.want) {
			t.Errorf("serve %s says\n%s\nand not %q", test.args, out, test.want)
		}
	}
}

// TestServePeople has the first administrator, and people by the command line.
func TestServePeople(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	addr := freeAddress(t)
	s := p.serve(addr, "--people", "--approvers", "1")
	if body, at := s.get("/"); at != "/sign-in" || !strings.Contains(body, "Password") {
		t.Errorf("the first page is %s", at)
	}
	set := url.Values{"name": {"Ada"}, "password": {"violet harbour under snow"}, "again": {"violet harbour under snow"}}
	if _, at := s.post(strings.TrimPrefix(s.link, "http://"+addr), set); at != "/" {
		t.Errorf("the administrator is at %s", at)
	}
	invited := strings.Fields(p.must(0, p.hppsend("serve", "user", "add", "bo@example.com", "--endpoint", p.url, "--role", "uploader", "--role", "approver",
		"--public-url", "http://"+addr)))[0]
	if _, at := s.post(strings.TrimPrefix(invited, "http://"+addr), set); at != "/" { // and that person is signed in now
		t.Errorf("Bo is at %s", at)
	}
	p.contacts("may.csv", 0, 3)
	upload := s.upload("may.csv")
	s.send(upload)
	if state := s.state(upload); state != "waiting" {
		t.Errorf("what nobody else has approved is %s", state)
	}
	if out := p.must(0, p.hppsend("serve", "user", "list", "--endpoint", p.url)); !strings.Contains(out, "bo@example.com") || !strings.Contains(out, "approver") {
		t.Errorf("the list is\n%s", out)
	}
	p.must(0, p.hppsend("serve", "user", "disable", "bo@example.com", "--endpoint", p.url))
	if _, at := s.get("/"); at != "/sign-in" {
		t.Error("who is kept out is still in")
	}
	s.kill()
	if again := p.serve(addr, "--people"); !strings.HasSuffix(again.link, addr+"/") {
		t.Errorf("with an administrator it prints %s", again.link)
	}
	if p.box.Stats().Calls != 0 {
		t.Error("something was sent")
	}
}

// TestServeOnHosts has one page on two hosts, with their people, books and files in the ledger's database. One is killed
// while it sends: the other goes on, and nobody is messaged twice.
func TestServeOnHosts(t *testing.T) {
	t.Parallel()
	const rows = 150
	p := newPlace(t, sandbox.Config{Latency: 2 * time.Millisecond})
	p.onServer()
	p.contacts("may.csv", 0, rows)
	other := p.host("other")
	args := []string{"--rate", "100/s", "--concurrency", "8", "--people", "--approvers", "0"}
	a := p.serve(freeAddress(t), args...)
	set := url.Values{"name": {"Ada"}, "password": {"violet harbour under snow"}, "again": {"violet harbour under snow"}}
	a.post(strings.TrimPrefix(a.link, "http://"+a.addr), set)
	p.must(0, p.hppsend("serve", "user", "role", "admin", "--role", "uploader,approver,administrator", "--endpoint", p.url))
	b := other.serve(freeAddress(t), args...)
	for _, s := range []*served{a, b} {
		if _, at := s.post("/sign-in", url.Values{"login": {"Admin"}, "password": set["password"]}); at != "/" {
			t.Fatalf("%s leads to %s", s.addr, at)
		}
	}
	upload := a.upload("may.csv")
	b.send(upload)
	for done := 0; done < 10; { // as the other host tells it
		body, _ := a.get(upload + "/progress.json")
		var now struct{ Done int }
		ok(t, json.Unmarshal([]byte(body), &now))
		done = now.Done
	}
	b.kill() // on which it was approved, and sent at once
	for a.state(upload) == "running" {
		time.Sleep(20 * time.Millisecond)
	}
	if state := a.state(upload); state != "done" {
		t.Errorf("it is %s\n%s", state, a.cmd.Stderr)
	}
	if calls, accepted := p.box.Stats().Calls, p.once(); calls > rows || accepted < rows-16 {
		t.Errorf("%d calls, %d accepted, of %d rows", calls, accepted, rows)
	}
	for _, at := range []*place{p, other} {
		if out := at.must(0, at.hppsend("serve", "user", "list", "--endpoint", p.url)); !strings.Contains(out, "admin") {
			t.Errorf("the list is\n%s", out)
		}
		at.must(0, at.hppsend("audit", "verify", "--endpoint", p.url))
	}
}
