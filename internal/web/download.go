package web

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
	"hppsend/writer"
)

func (c *call) sample() error {
	c.attach("sample.csv", "text/csv; charset=utf-8")
	_, err := c.w.Write(sampleFile)
	return err
}

func (c *call) template() error {
	dir, err := os.MkdirTemp("", "hppsend-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.xlsx")
	if err := writer.Template(path, pipeline.XLSX); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c.attach("template.xlsx", typeXLSX)
	_, err = io.Copy(c.w, f)
	return err
}

const typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// attach makes the answer a file that is saved, and never shown, under a name of ours.
func (c *call) attach(name, kind string) {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// downloadTime is how long a download may take.
const downloadTime = 30 * time.Minute

// download sends a file that was written for this request.
func (c *call) download(u *desk.Upload, what string, format pipeline.Format, write func() (*os.File, error)) error {
	f, err := write()
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		os.Remove(f.Name()) // where it could not be removed while it was open
	}()
	kind := typeXLSX
	if format == pipeline.CSV {
		kind = "text/csv; charset=utf-8"
	}
	c.attach(u.ID[:8]+"."+what+"."+string(format), kind)
	if info, err := f.Stat(); err == nil {
		c.w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(downloadTime))
	io.Copy(c.w, f) // who asked may be gone
	return nil
}

func (c *call) checked(format pipeline.Format) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	return c.download(u, "checked", format, func() (*os.File, error) { return c.seat.Checked(c.ctx(), u, format) })
}

func (c *call) report(format pipeline.Format) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	return c.download(u, "report", format, func() (*os.File, error) { return c.seat.Report(c.ctx(), u, format) })
}

func (c *call) checkedCSV() error  { return c.checked(pipeline.CSV) }
func (c *call) checkedXLSX() error { return c.checked(pipeline.XLSX) }
func (c *call) reportCSV() error   { return c.report(pipeline.CSV) }
func (c *call) reportXLSX() error  { return c.report(pipeline.XLSX) }
