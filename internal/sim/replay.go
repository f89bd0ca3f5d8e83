package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// String returns the scenario as a line that Parse reads: each field that is not zero, as name=value,
// with _ for a space in it.
func (s Scenario) String() string {
	var words []string
	s.fields(func(name string, v reflect.Value) {
		if v.IsZero() {
			return
		}
		text, _ := json.Marshal(v.Interface()) // of numbers, booleans and names
		words = append(words, name+"="+strings.ReplaceAll(strings.Trim(string(text), `"`), " ", "_"))
	})
	return strings.Join(words, " ")
}

// Parse reads a line that String has written, or a person.
func Parse(line string) (Scenario, error) {
	s := Scenario{}
	known := map[string]reflect.Value{}
	s.fields(func(name string, v reflect.Value) { known[name] = v })
	for word := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(word, "=")
		v, ok := known[strings.ToLower(name)]
		if !ok {
			return Scenario{}, fmt.Errorf("scenario: there is no %q", name)
		}
		if v.Kind() == reflect.String {
			v.SetString(strings.ReplaceAll(value, "_", " "))
		} else if err := json.Unmarshal([]byte(value), v.Addr().Interface()); err != nil {
			return Scenario{}, fmt.Errorf("scenario: %s: %w", word, err)
		}
	}
	if s.Members < 1 || s.Delay < 1 {
		return Scenario{}, errors.New("scenario: members and delay must be above 0")
	}
	return s, nil
}

// fields calls f with every field, by name in lower case, so that it can be set.
func (s *Scenario) fields(f func(name string, v reflect.Value)) {
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Anonymous {
				walk(v.Field(i))
			} else {
				f(strings.ToLower(field.Name), v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(s).Elem())
}
