# Makes the table, and the same as JSON, of lines NAME UNIT SERVER ROUND RATE CPU.

function median(name, server, column,    n, i, j, t, v) {
    n = last[name]
    for (i = 1; i <= n; i++) {
        v[i] = value[name, server, i, column]
        for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
            t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
        }
    }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function quotient(a, b) {
    return b ? sprintf("%.2f", a / b) : "-"
}

function ratio(name, column,    i, r, low, high, text) {
    for (i = 1; i <= last[name]; i++) {
        if (!value[name, "qemu", i, column]) {
            continue
        }
        r = value[name, "vnd", i, column] / value[name, "qemu", i, column]
        if (!low || r < low) low = r
        if (r > high) high = r
    }
    text = quotient(median(name, "vnd", column), median(name, "qemu", column))
    return last[name] > 1 ? text sprintf(" (%.2f-%.2f)", low, high) : text
}

{
    if (!($1 in last)) order[++count] = $1
    unit[$1] = $2
    if ($4 > last[$1]) last[$1] = $4
    value[$1, $3, $4, 1] = $5; value[$1, $3, $4, 2] = $6
    if ($3 == "bare") bare[$1] = 1
}

END {
    if (!peer) peer = "qemu-nbd"
    format = "| %-46s | %-5s | %8s | %8s | %8s | %-17s | %8s | %11s | %12s | %-17s |\n"
    printf format, "", "", "vnd", peer, "bare", "vnd/" peer, "vnd/bare", "CPU vnd, us", peer ", us", "CPU vnd/" peer
    printf format, "---", "---", "---:", "---:", "---:", "---", "---:", "---:", "---:", "---"
    print "[" >json
    for (i = 1; i <= count; i++) {
        name = order[i]
        ours = median(name, "vnd", 1); theirs = median(name, "qemu", 1)
        direct = name in bare ? median(name, "bare", 1) : 0
        printf format, name, unit[name], sprintf("%.0f", ours), sprintf("%.0f", theirs),
            direct ? sprintf("%.0f", direct) : "", ratio(name, 1), direct ? quotient(ours, direct) : "",
            sprintf("%.1f", median(name, "vnd", 2)), sprintf("%.1f", median(name, "qemu", 2)), ratio(name, 2)
        printf "{\"name\":\"%s\",\"unit\":\"%s\",\"rounds\":%d,\"vnd\":%.1f,\"qemuNbd\":%.1f,\"bare\":%.1f," \
            "\"vndCpuMicros\":%.2f,\"qemuNbdCpuMicros\":%.2f}%s\n", name, unit[name], last[name], ours, theirs, direct,
            median(name, "vnd", 2), median(name, "qemu", 2), i < count ? "," : "" >json
    }
    print "]" >json
}
