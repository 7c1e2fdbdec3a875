package web

import "strings"

// block is a heading, a paragraph, a list or lines of code.
type block struct {
	Kind  string // h2, h3, p, ul, pre
	Text  []span
	Items [][]span
	Code  string
}

// span is a stretch of text.
type span struct {
	Text string
	Code bool
}

// markdown takes apart what help topics are written in: headings, paragraphs, lists, code.
func markdown(text string) (all []block) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "# "):
			all = append(all, block{Kind: "h1", Text: spans(line[2:])})
		case strings.HasPrefix(line, "## "):
			all = append(all, block{Kind: "h2", Text: spans(line[3:])})
		case strings.HasPrefix(line, "    "):
			var code []string
			for ; i < len(lines) && (strings.HasPrefix(lines[i], "    ") || strings.TrimSpace(lines[i]) == ""); i++ {
				code = append(code, strings.TrimPrefix(lines[i], "    "))
			}
			i--
			all = append(all, block{Kind: "pre", Code: strings.TrimSpace(strings.Join(code, "\n"))})
		case strings.HasPrefix(line, "- "):
			list := block{Kind: "ul"}
			for ; i < len(lines) && strings.TrimSpace(lines[i]) != ""; i++ {
				if item, ok := strings.CutPrefix(lines[i], "- "); ok {
					list.Items = append(list.Items, spans(item))
				} else {
					last := len(list.Items) - 1
					list.Items[last] = append(list.Items[last], spans(" "+strings.TrimSpace(lines[i]))...)
				}
			}
			all = append(all, list)
		default:
			var words []string
			for ; i < len(lines) && strings.TrimSpace(lines[i]) != ""; i++ {
				words = append(words, lines[i])
			}
			all = append(all, block{Kind: "p", Text: spans(strings.Join(words, " "))})
		}
	}
	return all
}

// spans tells code from other text by backquotes.
func spans(text string) (all []span) {
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			all = append(all, span{part, i%2 == 1})
		}
	}
	return all
}
