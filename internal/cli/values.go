package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hppsend/internal/contact"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// rateFlag is calls a second; +Inf is unlimited, 0 the default of the environment.
type rateFlag float64

func (r *rateFlag) Type() string { return "RATE" }

func (r *rateFlag) String() string {
	switch v := float64(*r); {
	case v == 0:
		return ""
	case math.IsInf(v, 1):
		return "unlimited"
	case v < 1:
		return strconv.FormatFloat(v*60, 'g', 4, 64) + "/m"
	default:
		return strconv.FormatFloat(v, 'g', 6, 64) + "/s"
	}
}

func (r *rateFlag) Set(text string) error {
	if strings.EqualFold(text, "unlimited") {
		*r = rateFlag(math.Inf(1))
		return nil
	}
	number, unit, ok := strings.Cut(strings.ReplaceAll(text, " ", ""), "/")
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.ToLower(unit)]
	v, err := strconv.ParseFloat(number, 64)
	if !ok || per == 0 || err != nil || !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("a rate is written like 20/s, 100/m, 5000/h or unlimited")
	}
	*r = rateFlag(v / per)
	return nil
}

// choice is a flag with a closed list of values.
type choice struct {
	value   *string
	allowed []string
}

func (c choice) Type() string   { return strings.Join(c.allowed, "|") }
func (c choice) String() string { return *c.value }
func (c choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("it can be %s", strings.Join(c.allowed, ", "))
	}
	*c.value = text
	return nil
}

// country is an ISO code, given as a code or a name.
type country string

func (c *country) Type() string   { return "COUNTRY" }
func (c *country) String() string { return string(*c) }
func (c *country) Set(text string) error {
	iso, ok := contact.Country(text)
	if !ok {
		return fmt.Errorf("a country is written like SE, SWE or Sweden")
	}
	*c = country(iso)
	return nil
}

// reminderFlag is the name of a further round. It is a part of what the ledger keeps as it is.
type reminderFlag struct{ value *string }

func (r reminderFlag) Type() string   { return "string" }
func (r reminderFlag) String() string { return *r.value }
func (r reminderFlag) Set(text string) error {
	if contact.MaskAll(text) != text {
		return fmt.Errorf("it reads as a phone number or an e-mail address, and the ledger would keep it in clear; name the round otherwise")
	}
	*r.value = text
	return nil
}

// mappings say which column is which field.
type mappings map[string]string

func (m *mappings) Type() string { return `FIELD="COLUMN"` }
func (m *mappings) String() string {
	var out []string
	for f, c := range *m {
		out = append(out, fmt.Sprintf("%s=%q", f, c))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (m *mappings) Set(text string) error {
	field, column, ok := strings.Cut(text, "=")
	fields := []string{"session_id", "distribution_url", "method", "phone", "phone_country", "email", pipeline.FieldExpires}
	if field = strings.TrimSpace(field); !ok || !slices.Contains(fields, field) {
		return fmt.Errorf(`a column is mapped like phone="Mobile", or left out like phone=; the fields are %s`, strings.Join(fields, ", "))
	}
	if *m == nil {
		*m = mappings{}
	}
	(*m)[field] = column
	return nil
}

// share is a part of a whole, from 0 to 1, given as 50%.
type share float64

func (s *share) Type() string   { return "PERCENT" }
func (s *share) String() string { return strconv.FormatFloat(float64(*s)*100, 'g', 4, 64) + "%" }
func (s *share) Set(text string) error {
	v, err := percent(text)
	if err != nil {
		return err
	}
	*s = share(v)
	return nil
}

func percent(text string) (float64, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return 0, fmt.Errorf("a share is written like 50%%, from 0%% to 100%%")
	}
	return v / 100, nil
}

// most is a number of rows or a share of them; 0 for any.
type most pipeline.Threshold

func (m *most) Type() string { return "PERCENT|N" }

func (m *most) String() string {
	return pipeline.Threshold(*m).String()
}

func (m *most) Set(text string) error {
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31); err == nil {
		*m = most{Rows: int(n)}
		return nil
	}
	v, err := percent(text)
	if err != nil {
		return fmt.Errorf("it is a number of rows, or a share such as 20%%")
	}
	*m = most{Share: v}
	return nil
}

// age is a length of time that may be given in days.
type age time.Duration

func (a *age) Type() string { return "TIME" }

func (a *age) String() string {
	d := time.Duration(*a)
	switch {
	case d == 0:
		return ""
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%gh", d.Hours())
}

func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(strings.TrimSpace(text), "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("a time is written like 90d or 72h")
	}
	*a = age(d)
	return nil
}

// several is a flag that may be given several times, and a list in a configuration file.
type several interface{ several() }

// list is what a flag says that is given several times.
type list struct{ values *[]string }

func (list) several()         {}
func (l list) Type() string   { return "string" }
func (l list) String() string { return strings.Join(*l.values, " ") }
func (l list) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("it is empty")
	}
	*l.values = append(*l.values, text)
	return nil
}

// approversFlag is how many people have to approve, by messages.
type approversFlag struct {
	tiers desk.Approvers
	set   bool
}

func (a *approversFlag) Type() string { return "N[,FROM:N]" }

func (a *approversFlag) String() string {
	var parts []string
	for _, t := range a.tiers {
		part := strconv.Itoa(t.People)
		if t.Messages > 0 {
			part = strconv.Itoa(t.Messages) + ":" + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

func (a *approversFlag) Set(text string) error {
	var tiers desk.Approvers
	for part := range strings.SplitSeq(text, ",") {
		messages, people, tiered := strings.Cut(strings.TrimSpace(part), ":")
		if !tiered {
			messages, people = "0", messages
		}
		n, err := strconv.ParseUint(people, 10, 8)
		from, err2 := strconv.ParseUint(messages, 10, 31)
		if err != nil || err2 != nil {
			return fmt.Errorf("it is a number of people, such as 1, or 1,5000:2 for two from 5000 messages on")
		}
		tiers = append(tiers, desk.Tier{Messages: int(from), People: int(n)})
	}
	if slices.ContainsFunc(tiers, func(t desk.Tier) bool { return t.Messages > 0 }) && tiers.For(0) == 0 {
		return fmt.Errorf("it does not say how many approve a few messages: begin with that, as in 1,5000:2")
	}
	*a = approversFlag{tiers, true}
	return nil
}

// sizeFlag is a number of bytes, given as 300MB.
type sizeFlag int64

func (s *sizeFlag) Type() string   { return "SIZE" }
func (s *sizeFlag) String() string { return strings.ReplaceAll(desk.Bytes(int64(*s)), " ", "") }
func (s *sizeFlag) Set(text string) error {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	for unit, size := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		number, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseUint(number, 10, 20); ok && err == nil && n > 0 {
			*s = sizeFlag(int64(n) * size)
			return nil
		}
	}
	return fmt.Errorf("a size is written like 300MB")
}
