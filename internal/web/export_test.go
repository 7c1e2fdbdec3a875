package web

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"text/template/parse"
	"time"
)

// What tests of this package, written from outside, get to see of it.

// Routes gives the pattern of each route, and whether it is open to who is not signed in.
func (s *Server) Routes() map[string]bool {
	all := map[string]bool{}
	for _, r := range s.routes {
		all[r.pattern] = r.open
	}
	return all
}

// CookieName is what the cookie of a session is called.
func (s *Server) CookieName() string { return s.cookieName() }

// Uploading is how many files are coming in.
func (s *Server) Uploading() int { return len(s.uploads) }

// AddressOf is where a request is taken to come from.
func (s *Server) AddressOf(r *http.Request) string { return s.address(r) }

// Break makes a page panic whenever it is to be shown.
func (s *Server) Break(page string) { s.pages[page] = nil }

// Local is what is made of a path that somebody wants to be sent to.
func Local(path string) string { return local(path) }

// Paced is the reader of the body of an upload.
func Paced(body io.ReadCloser, w http.ResponseWriter) io.Reader {
	return &paced{body: body, w: w, begun: time.Now()}
}

// Branches says of each way that templates can take, over all servers, whether it was taken.
type Branches struct {
	mu    sync.Mutex
	taken map[string]bool
}

// Cover makes a server note the ways that its templates take. It comes before the first page.
func (s *Server) Cover(b *Branches) error {
	for name, t := range s.pages {
		t.Funcs(template.FuncMap{"took": b.took})
		for _, one := range t.Templates() {
			if err := b.list(one.Tree, name+" as a whole", one.Tree.Root); err != nil {
				return err
			}
		}
	}
	return nil
}

// Missed gives the ways that were never taken, in order.
func (b *Branches) Missed() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, way := range slices.Sorted(maps.Keys(b.taken)) {
		if !b.taken[way] {
			all = append(all, way)
		}
	}
	return all
}

func (b *Branches) took(way string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken[way] = true
	return ""
}

// list puts a call of took before what a list of nodes does. It is a declaration, so that nothing is shown of it and
// the contexts of html/template stay as they are.
func (b *Branches) list(tree *parse.Tree, way string, l *parse.ListNode) error {
	for _, n := range l.Nodes {
		var branch *parse.BranchNode
		switch n := n.(type) {
		case *parse.IfNode:
			branch = &n.BranchNode
		case *parse.WithNode:
			branch = &n.BranchNode
		case *parse.RangeNode:
			branch = &n.BranchNode
		default:
			continue
		}
		where, what := tree.ErrorContext(n)
		if len(what) > 60 {
			what = what[:60]
		}
		if branch.ElseList == nil {
			if branch.NodeType == parse.NodeRange { // that there is none goes without saying
				if err := b.list(tree, where+" yes "+what, branch.List); err != nil {
					return err
				}
				continue
			}
			branch.ElseList = &parse.ListNode{NodeType: parse.NodeList, Pos: branch.Pos}
		}
		if err := b.list(tree, where+" yes "+what, branch.List); err != nil {
			return err
		}
		if err := b.list(tree, where+" no "+what, branch.ElseList); err != nil {
			return err
		}
	}
	way = strings.Join(strings.Fields(way), " ")
	b.mu.Lock()
	if b.taken == nil {
		b.taken = map[string]bool{}
	}
	b.taken[way] = b.taken[way] || false
	b.mu.Unlock()
	call, err := parse.Parse("took", fmt.Sprintf("{{$took := took %q}}", way), "", "", map[string]any{"took": b.took})
	if err != nil {
		return err
	}
	l.Nodes = slices.Insert(l.Nodes, 0, call["took"].Root.Nodes[0])
	return nil
}
