#!/usr/bin/env bash
# The Heshan story over HTTP, in plain curl (and jq to read what is answered; it runs in bash).
#
#     ECNY_TAX=http://127.0.0.1:8000 API_KEY=ecny_sandbox_… bash story.sh
#
# It begins with a reset to the spring of 2023: whatever the sandbox holds is thrown away.
set -euo pipefail
: "${ECNY_TAX:?the address of the sandbox}" "${API_KEY:?a key of admin: ecny-tax api-key create --party admin}"

# ask METHOD PATH [BODY] [IDEMPOTENCY-KEY]: the answer's JSON; a refusal is shown and ends the story.
ask() {
  local answer status
  answer=$(curl --silent --show-error --request "$1" "$ECNY_TAX$2" \
    --header "Authorization: Bearer $API_KEY" \
    ${3:+--header "Content-Type: application/json" --data "$3"} \
    ${4:+--header "Idempotency-Key: $4"} \
    --write-out '\n%{http_code}')
  status=${answer##*$'\n'}
  if [ "$status" -ge 400 ]; then
    jq --raw-output '"\(.code): \(.detail)"' <<<"${answer%$'\n'*}" >&2
    return 1
  fi
  printf '%s\n' "${answer%$'\n'*}"
}

ask POST /v1/reset '{"at": "2023-04-20"}' >reset.json

# A company opens its wallet and signs the three-party agreement.
company=$(ask POST /v1/wallets '{"kind": "corporate", "operator": "ICBC", "name": "广东弘明智能照明科技有限公司",
  "id_number": "91440784MA00DEM06F", "fund": "20000.00"}' "wallet-1" | jq --raw-output .wallet_id)
ask POST /v1/agreements "{\"wallet_id\": \"$company\"}" | jq --raw-output '"agreement \(.agreement_no): \(.status)"'

# It declares the stamp duty of a contract and pays it: settled at once, without fee.
duty="{\"tax\": \"stamp-duty\", \"wallet_id\": \"$company\", \"item\": \"sale_contract\", \"base\": \"56666666.67\"}"
ask POST /v1/payments "$duty" "duty-1" >payment.json
jq --raw-output '"paid \(.amount) yuan, fee \(.fee), \(.status), receipt \(.receipt_no)"' payment.json

# The answer was lost?  The same request with the same key is answered alike, and pays nothing again.
ask POST /v1/payments "$duty" "duty-1" | cmp --quiet - payment.json && echo 'asked again: the same answer'

# Mr Liang gets his settlement refund into his own wallet.
liang=$(ask POST /v1/wallets '{"kind": "personal", "wallet_class": "II", "operator": "BOC", "name": "梁先生",
  "id_number": "440784198501010017", "phone": "13800000000"}' "liang-1" | jq --raw-output .wallet_id)
ask POST /v1/refunds "{\"kind\": \"annual_settlement\", \"wallet_id\": \"$liang\", \"annual_return\":
  {\"tax_year\": 2022, \"wages\": \"150000.00\", \"social\": \"18000.00\", \"sad\": \"24000.00\",
  \"withheld\": \"3000.00\"}}" "refund-1" |
  jq --raw-output '"refund \(.amount) yuan: \(.status), balance \(.balance_after)"'

# A rule says no: the code is stable, the detail names what was refused.
ask POST /v1/payments "$duty" "again-1" || true

ask POST /v1/ledger/verifications | jq --raw-output '"ledger: ok \(.ok), \(.transfers) transfers"'
