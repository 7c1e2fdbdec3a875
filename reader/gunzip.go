package reader

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// A row has an id that does not repeat, so that no table packs as tightly as a bomb does. The sizes are in
// bytes of text.
const (
	gzipRatio = 100     // for each byte in the file
	ratioFrom = 8 << 20 // before this much a file may be tight
	gzipMost  = 4 << 30 // as of workbooks
)

// errBomb is a file that would make too much of this machine.
var errBomb = errors.New("it unpacks to too much")

var bomb = problem{
	"the file unpacks to more than 100 times its size, or to more than 4 GiB, which no table should",
	"see where it comes from; if it is right, unpack it first",
}

// gunzip gives the text of a file compressed with gzip, as long as it is bounded.
type gunzip struct {
	*gzip.Reader
	packed   counter
	unpacked int64
}

func newGunzip(r io.Reader) (*gunzip, error) {
	g := &gunzip{packed: counter{in: r}}
	z, err := gzip.NewReader(bufio.NewReader(&g.packed))
	g.Reader = z
	return g, err
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if g.unpacked += int64(n); g.unpacked > ratioFrom && (g.unpacked > gzipMost || g.unpacked/gzipRatio > g.packed.n) {
		return 0, errBomb
	}
	return n, err
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}
