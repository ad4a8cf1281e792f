-- A clerk proves a real name too, or notes that its certificate has been renewed. The codes that are read out at a
-- counter have purposes of their own: strangers cannot ask for them and so use none of them up.
ALTER TABLE identity.counter_act DROP CONSTRAINT counter_act_act_check;
ALTER TABLE identity.counter_act ADD CONSTRAINT counter_act_act_check CHECK (
    act IN ('phone_changed', 'phone_unbound', 'sessions_ended', 'real_name_proved', 'certificate_changed'));

ALTER TABLE identity.sms_code DROP CONSTRAINT sms_code_purpose_check;
ALTER TABLE identity.sms_code ADD CONSTRAINT sms_code_purpose_check CHECK (
    purpose IN ('register', 'login', 'reset_login', 'reset_pay', 'unlock', 'change_phone_old', 'change_phone_new',
                'counter_phone', 'counter_name'));
