package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// machine is what the figures depend on.
type machine struct {
	cpu, memory, system string
	disk                string // the file system of the temporary folder
	sync                time.Duration
}

// machineOf describes this machine; of systems without /proc it knows less. It refuses a folder in
// memory, where durability costs nothing.
func machineOf(folder string) (m machine, err error) {
	m = machine{
		cpu: "unknown CPU", memory: "unknown", disk: fileSystem(folder),
		system: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	if cpu := procLine("/proc/cpuinfo", "model name"); cpu != "" {
		m.cpu = cpu
	}
	var kB float64
	if _, err := fmt.Sscan(procLine("/proc/meminfo", "MemTotal"), &kB); err == nil {
		m.memory = fmt.Sprintf("%.0f GiB", kB/(1<<20))
	}
	if m.disk == "tmpfs" {
		return m, fmt.Errorf("%s is in memory (tmpfs), where a ledger's durability costs nothing: name a folder on a disk with -dir", folder)
	}
	m.sync, err = syncTime(folder)
	return m, err
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s of memory; %s, a sync of 4 KB takes %s; %s",
		m.cpu, runtime.NumCPU(), m.memory, m.disk, m.sync.Round(10*time.Microsecond), m.system)
}

// slug is a short name for files.
func (m machine) slug() string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(m.cpu), "-")
	return fmt.Sprintf("%s-%d", strings.Trim(name, "-"), runtime.NumCPU())
}

// procLine gives what follows "NAME:" in a file of /proc.
func procLine(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem is the type of the mount that a folder is under.
func fileSystem(folder string) string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "unknown file system"
	}
	best, kind := "", "unknown file system"
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 || len(f[1]) < len(best) {
			continue
		}
		if rest, ok := strings.CutPrefix(folder, strings.TrimSuffix(f[1], "/")); ok && strings.HasPrefix(rest, "/") {
			best, kind = f[1], f[2]
		}
	}
	return kind
}

// syncTime is what the disk takes to make 4 KB durable: the median of many.
func syncTime(folder string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(folder, "sync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	times := make([]time.Duration, 51)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4<<10)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
