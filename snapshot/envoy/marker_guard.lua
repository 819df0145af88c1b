-- The second line behind ext_proc. If extproc ever ended its gRPC stream cleanly, Envoy would let the answer
-- through unprocessed. So an answer needs the mark that extproc sets, or Envoy's own mark for its local replies;
-- upstreams cannot forge either (their x-exeat-* headers are removed in the cluster).
function envoy_on_response(handle)
  local headers = handle:headers()
  local inspected = headers:get("x-exeat-inspected")
  local reply = headers:get("x-exeat-reply")
  headers:remove("x-exeat-inspected")
  headers:remove("x-exeat-reply")
  if inspected == nil and reply == nil then
    handle:logErr("answer without extproc's mark, refused")
    headers:replace(":status", "502")
    headers:replace("content-type", "application/json")
    headers:remove("content-length")
    headers:remove("content-encoding")
    local body = handle:body(true)
    if body ~= nil then
      body:setBytes('{"type":"error","error":{"type":"api_error","message":"The answer was not inspected, so it was not let through.","code":"not_inspected"}}')
    end
  end
end
