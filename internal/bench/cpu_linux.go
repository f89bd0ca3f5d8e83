package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of /proc/PID/stat's times for user space, on every machine (proc(5), sysconf(3)).
const clockTick = 10 * time.Millisecond

// cpuTime returns the processor time that the processes have used so far. One that is gone counts nothing.
func cpuTime(pids []int) (total time.Duration) {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil {
			total += statTime(stat)
		}
	}
	return total
}

// statTime adds up the times in user and kernel mode, the 14th and 15th field of stat. The second field is the
// program's name in parentheses, which may hold anything.
func statTime(stat []byte) (total time.Duration) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err == nil {
			total += time.Duration(ticks) * clockTick
		}
	}
	return total
}
