package pipeline

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// keptSuppression begins what WriteTo writes: a version, which ReadKeptSuppression holds it to.
const keptSuppression = "hppsend suppression 1\n"

// keptHeader is what is known of the lists beside their contacts.
type keptHeader struct {
	Lists    []KeptList
	Sources  []string
	Contacts int // entries that follow
}

// WriteTo writes the lists so that [ReadKeptSuppression] reads them again, without any contact in clear: who has it can
// find the contacts by trying all numbers, so that it is to be kept encrypted. It takes 22 bytes for each contact. It
// implements [io.WriterTo].
func (s *Suppression) WriteTo(w io.Writer) (int64, error) {
	counted := &countingWriter{w: w}
	b := bufio.NewWriter(counted)
	h := keptHeader{Lists: s.lists, Sources: s.sources}
	for _, bucket := range s.buckets {
		h.Contacts += len(bucket)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	b.WriteString(keptSuppression)
	b.Write(append(head, '\n'))
	for _, bucket := range s.buckets {
		for _, e := range bucket {
			b.Write(e.digest[:])
			b.Write(binary.BigEndian.AppendUint32(nil, e.line))
			b.Write(binary.BigEndian.AppendUint16(nil, e.source))
		}
	}
	err = b.Flush()
	return counted.n, err
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// errKeptSuppression says that what is read is not what WriteTo has written.
var errKeptSuppression = errors.New("the suppression list that is kept cannot be read: it is damaged, or of another version of hppsend")

// ReadKeptSuppression reads what WriteTo has written, to its end. What is cut off, or longer, is refused as a whole.
func ReadKeptSuppression(r io.Reader) (*Suppression, error) {
	b := bufio.NewReader(r)
	version := make([]byte, len(keptSuppression))
	if _, err := io.ReadFull(b, version); err != nil || string(version) != keptSuppression {
		return nil, errKeptSuppression
	}
	head, err := b.ReadBytes('\n')
	var h keptHeader
	if err != nil || json.Unmarshal(head, &h) != nil {
		return nil, errKeptSuppression
	}
	s := &Suppression{lists: h.Lists, sources: h.Sources}
	one := make([]byte, 22)
	for range h.Contacts {
		if _, err := io.ReadFull(b, one); err != nil {
			return nil, errKeptSuppression
		}
		e := suppressed{[16]byte(one), binary.BigEndian.Uint32(one[16:]), binary.BigEndian.Uint16(one[20:])}
		if int(e.source) >= len(s.sources) {
			return nil, errKeptSuppression
		}
		s.buckets[e.digest[0]] = append(s.buckets[e.digest[0]], e)
	}
	if _, err := b.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errKeptSuppression
	}
	for _, bucket := range s.buckets {
		if !slices.IsSortedFunc(bucket, suppressed.compare) {
			return nil, errKeptSuppression
		}
	}
	return s, nil
}

// JoinSuppressions makes one of several, whose lists come in the order that is given; nil ones are none. It is nil where all
// are, and refuses more lists and sheets than one can have.
func JoinSuppressions(all ...*Suppression) (*Suppression, error) {
	all = slices.DeleteFunc(slices.Clone(all), func(s *Suppression) bool { return s == nil })
	if len(all) < 2 {
		return append(all, nil)[0], nil
	}
	joined := &Suppression{}
	for _, s := range all {
		offset := len(joined.sources)
		if offset+len(s.sources) > math.MaxUint16 {
			return nil, &Error{Kind: BadInput, Problem: fmt.Sprintf("the suppression lists are more than %d files and sheets", math.MaxUint16), Todo: "put them together"}
		}
		joined.lists = append(joined.lists, s.lists...)
		joined.sources = append(joined.sources, s.sources...)
		for i, bucket := range s.buckets {
			for _, e := range bucket {
				e.source += uint16(offset)
				joined.buckets[i] = append(joined.buckets[i], e)
			}
		}
	}
	for i, bucket := range joined.buckets {
		slices.SortFunc(bucket, suppressed.compare)
		joined.buckets[i] = slices.CompactFunc(bucket, func(a, b suppressed) bool { return a.digest == b.digest })
	}
	return joined, nil
}
