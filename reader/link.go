package reader

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// links are the links of a sheet that cells of our fields have, by their first row.
type links struct {
	header header
	coming []xlsx.Link
	active []xlsx.Link
}

func newLinks(h header, all []xlsx.Link) *links {
	l := &links{header: h}
	for _, link := range all {
		if link.LastRow > h.row && slices.ContainsFunc(h.fields, func(c column) bool { return within(link.Range, c.at) }) {
			l.coming = append(l.coming, link)
		}
	}
	slices.SortFunc(l.coming, func(a, b xlsx.Link) int { return cmp.Compare(a.FirstRow, b.FirstRow) })
	return l
}

// fill adds to a row the links that may name something else than its cells say. hpp_raw has them too,
// since a report has no links.
func (l *links) fill(row *pipeline.Row, from xlsx.Row, mended []typed) {
	for len(l.coming) > 0 && l.coming[0].FirstRow <= row.Row {
		l.active = append(l.active, l.coming[0])
		l.coming = l.coming[1:]
	}
	l.active = slices.DeleteFunc(l.active, func(link xlsx.Link) bool { return link.LastRow < row.Row })
	for _, c := range l.header.fields {
		if len(from.Links)+len(l.active) == 0 || c.at >= len(from.Cells) || isTyped(mended, c.at) || strings.TrimSpace(from.Cells[c.at].Text) == "" {
			continue
		}
		cell := from.Cells[c.at]
		for _, link := range from.Links {
			if link.Column == c.at {
				l.add(row, c, cell, link.Target)
			}
		}
		for _, link := range l.active {
			if within(link.Range, c.at) {
				l.add(row, c, cell, link.Target)
			}
		}
	}
}

func (l *links) add(row *pipeline.Row, c column, cell xlsx.Cell, target string) {
	if target != "" && (target == cell.Text || leadsTo(target) == strings.ToLower(strings.TrimSpace(shown(cell)))) {
		return
	}
	name := l.header.names[c.at]
	row.Links = append(row.Links, pipeline.Link{
		Column: name, Session: c.field == fieldSession || c.field == fieldURL, Target: target,
	})
	row.Raw = joinRaw(row.Raw, name+": "+traces[pipeline.CodeLinkDiffers]+" "+cmp.Or(target, "what a formula makes"))
}

// leadsTo gives the address or number of a link in lower case, for the cells whose text is that.
func leadsTo(target string) string {
	for _, scheme := range []string{"mailto:", "tel:"} {
		if len(target) > len(scheme) && strings.EqualFold(target[:len(scheme)], scheme) {
			target, _, _ = strings.Cut(target[len(scheme):], "?")
			break
		}
	}
	if text, err := url.PathUnescape(target); err == nil {
		target = text
	}
	return strings.ToLower(strings.TrimSpace(target))
}
