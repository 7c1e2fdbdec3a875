package campaign

import "hppsend/pipeline"

// seen remembers how far each file came, and hands it on.
type seen struct {
	Observer
	file     int
	progress []pipeline.Progress
}

func (s *seen) Progress(p pipeline.Progress) {
	s.progress[s.file] = p
	s.Observer.Progress(p)
}

// groups are the outcomes of a file that were seen; none before anything was sent.
func (s *seen) groups(file int) (all []pipeline.Group) {
	if s == nil {
		return nil
	}
	p := s.progress[file]
	for _, g := range []pipeline.Group{
		{Status: pipeline.Delivered, Rows: p.Delivered},
		{Status: pipeline.Rejected, Rows: p.Rejected},
		{Status: pipeline.Failed, Rows: p.Failed},
		{Status: pipeline.Uncertain, Rows: p.Uncertain},
		{Status: pipeline.Skipped, Rows: p.Skipped},
	} {
		if g.Rows > 0 {
			all = append(all, g)
		}
	}
	return all
}
